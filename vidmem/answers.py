"""From a source to its answers, in order and as they are settled, each with the point from which a run could go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from vidmem.emission import State, release
from vidmem.errors import OutOfMemory
from vidmem.frames import Source
from vidmem.models.ahead import looking_ahead
from vidmem.prompting import Pending
from vidmem.tracker import Tracker
from vidmem.values import Frame, Prompt, Track


@dataclass(frozen=True)
class Point:
    """Where a run stands between two frames."""

    frame: int = 0  # the next frame
    state: State | None = None  # the state before it
    held: tuple[Frame, ...] = ()  # frames seen whose answers are held back, oldest first (emission.py)
    time: float = 0.0  # of the frame before, in seconds

    @property
    def given(self) -> int:
        """How many answers were given out."""
        return self.frame - len(self.held)

    def notes(self) -> dict[str, Any]:
        """All but the state and the pictures, as JSON holds it."""
        return {"frames": self.frame, "time": self.time, "held": [[f.name, f.time, *f.size] for f in self.held]}

    @classmethod
    def of(cls, notes: dict[str, Any], state: State) -> Point:
        """The point of which these are the notes. The pictures of the frames held back are black."""
        first = notes["frames"] - len(notes["held"])
        held = tuple(
            Frame(first + number, torch.zeros(3, 1, 1, dtype=torch.uint8).expand(3, height, width), time, name)
            for number, (name, time, height, width) in enumerate(notes["held"])
        )
        return cls(notes["frames"], state, held, notes["time"])


Settled = list[tuple[Frame, Track]]


def answers(
    source: Source, tracker: Tracker, pending: Pending, point: Point, stop_after: int | None = None
) -> Iterator[tuple[Point, Settled]]:
    """The answers from `point` on, settled after each frame (often one, none or several at a time), and the point then.

    Whatever ends it - the source, damage, a lack of memory, the user - the answers held back are given out last. No
    frame is to come that could change these; the point stays where a run that goes on can still do so, if the source
    can be read again. Raises OutOfMemory, what the source raises, and InputError for a prompt whose frame never came.
    """
    live = bool(getattr(source, "live", False))
    held = point.held if live else ()  # else their pictures are read again
    try:
        frames: Iterable[Frame] = _frames(source, point, stop_after, live)
        if not live:
            model, frames = looking_ahead(tracker.model, frames)
            tracker = replace(tracker, model=model)
        for frame in frames:
            if frame.index < point.frame:  # its answer is in the state
                held = (*held, frame)
                continue
            prompts, pending = pending.due(frame)
            state, settled, held = advance(tracker, point.state or {}, held, frame, prompts)
            point = Point(frame.index + 1, state, held, frame.time)
            yield point, settled
    except (Exception, KeyboardInterrupt):
        yield _end(tracker, point, held, live)
        raise
    yield _end(tracker, point, held, live)
    if stop_after is None:
        pending.must_be_over(source.name, point.frame)


def _frames(source: Source, point: Point, stop_after: int | None, live: bool) -> Iterator[Frame]:
    """The frames whose answers are to come. A live source knows nothing of those before: its frames are numbered on."""
    if not live or point.frame == 0:
        yield from source.between(point.given, stop_after)
        return
    pause = 1 / (source.rate or 25.0)
    for frame in source.between(0, None if stop_after is None else max(0, stop_after - point.frame)):
        index = point.frame + frame.index
        yield replace(frame, index=index, name=f"{index:05d}", time=point.time + pause + frame.time)


def advance(
    tracker: Tracker, state: State, held: tuple[Frame, ...], frame: Frame, prompts: Sequence[Prompt]
) -> tuple[State, Settled, tuple[Frame, ...]]:
    """One frame of `tracker.advance`. Raises OutOfMemory where the device is full."""
    try:
        return tracker.advance(state, held, frame, prompts)
    except (torch.OutOfMemoryError, MemoryError) as full:
        raise OutOfMemory(
            f"Out of memory at frame {frame.name} with {len(state) + len(prompts)} objects. Try a smaller model or "
            "--set model.image_size=512; what is finished is saved, go on with --resume."
        ) from full


def _end(tracker: Tracker, point: Point, held: tuple[Frame, ...], live: bool) -> tuple[Point, Settled]:
    """What is held back, and the point: a live source cannot be read again, so there the answers stand."""
    state, settled, _ = release(tracker.emission, point.state or {}, held, ended=True)
    return replace(point, state=state, held=()) if live else point, settled
