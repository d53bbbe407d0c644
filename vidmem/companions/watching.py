"""Frame by frame through a video: scenes are cut as they end, and each is remembered when it is over.

Work and memory a frame do not depend on how much was seen. Of the scene that still runs at most twice as many frames
are held as a companion looks at: when they become more, every second one is let go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from torch import Tensor

from vidmem.bridges.segments import chosen
from vidmem.companions import Companion, Remembered
from vidmem.cuts import FrameEncoder
from vidmem.cuts.stream import StreamingTilling, Tiled
from vidmem.errors import UsageError
from vidmem.values import Frame


@dataclass(frozen=True, eq=False)
class OpenScene:
    """The scene that is running."""

    first: int = 0  # frame
    start: float = 0.0  # seconds
    count: int = 0  # frames
    every: int = 1  # of so many frames one is held
    held: tuple[Tensor, ...] = ()  # each (N, C), what a companion saw


@dataclass(frozen=True)
class ClosedScene:
    """A scene that is over."""

    number: int  # from 1
    first: int
    last: int
    start: float  # seconds
    end: float
    depth: float | None  # of the cut; None where the video ended, or the scene had lasted long enough


@dataclass(frozen=True, eq=False)
class Watching:
    """All that is known of the frames so far."""

    tiled: Tiled
    scene: OpenScene
    memory: Remembered
    scenes: int = 0  # that are over

    @property
    def nbytes(self) -> int:
        from vidmem.states import nbytes

        return nbytes((self.memory, self.scene.held)) + self.tiled.nbytes


@dataclass(frozen=True, eq=False)
class Watcher:
    """Who watches, what cuts are seen by, and by which rule."""

    companion: Companion
    encode: FrameEncoder
    rule: StreamingTilling = StreamingTilling()  # noqa: RUF009 (frozen)
    longest: int = 1024  # frames after which a scene without a cut is remembered, and a new one begins

    def __post_init__(self) -> None:
        if self.longest < 1:
            raise UsageError(f"The longest scene is 1 frame or more, not {self.longest}.")

    def start(self) -> Watching:
        return Watching(self.rule.start(), OpenScene(), self.companion.start())

    def step(self, state: Watching, frame: Frame) -> tuple[Watching, ClosedScene | None]:
        """One frame further; the scene before it, if this frame is the first of a new one."""
        tiled, cut = self.rule.step(state.tiled, self.encode(frame))
        closed = None
        if state.scene.count and (cut is not None or state.scene.count >= self.longest):
            state, closed = self._close(state, frame.time, None if cut is None else cut.depth)
        scene = state.scene
        if not scene.count:
            scene = replace(scene, first=state.tiled.frames, start=frame.time)
        if scene.count % scene.every == 0:
            scene = _thinned(replace(scene, held=(*scene.held, self.companion.see(frame))), 2 * self.companion.looks)
        return replace(state, tiled=tiled, scene=replace(scene, count=scene.count + 1)), closed

    def finish(self, state: Watching, end: float) -> tuple[Watching, ClosedScene | None]:
        """The video is over at `end` seconds: so is its last scene."""
        return self._close(state, end, None) if state.scene.count else (state, None)

    def _close(self, state: Watching, end: float, depth: float | None) -> tuple[Watching, ClosedScene]:
        scene = state.scene
        picked = chosen(0, len(scene.held) - 1, self.companion.looks)
        memory = self.companion.remember(state.memory, [scene.held[index] for index in picked])
        last = scene.first + scene.count - 1
        closed = ClosedScene(state.scenes + 1, scene.first, last, scene.start, end, depth)
        return Watching(state.tiled, OpenScene(), memory, state.scenes + 1), closed


def watched(watcher: Watcher, frames: Iterable[Frame]) -> Iterator[tuple[Watching, Watching, ClosedScene]]:
    """For each scene, as soon as it is over: the state before it was remembered, the state after, and the scene."""
    state, latest, interval = watcher.start(), None, 0.0
    for frame in frames:
        after, closed = watcher.step(state, frame)
        if closed is not None:
            yield state, after, closed
        if latest is not None:
            interval = frame.time - latest
        latest, state = frame.time, after
    if latest is not None:
        after, closed = watcher.finish(state, latest + interval)
        if closed is not None:
            yield state, after, closed


def _thinned(scene: OpenScene, most: int) -> OpenScene:
    """With every second frame let go, if more than `most` are held."""
    return replace(scene, held=scene.held[::2], every=2 * scene.every) if len(scene.held) > most else scene
