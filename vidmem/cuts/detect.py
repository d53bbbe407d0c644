"""A source into scenes: one pass, a number a frame kept; and the same as a stream, with nothing kept at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from vidmem.cuts import FrameEncoder, encoders
from vidmem.cuts.stream import StreamingTilling
from vidmem.cuts.tilling import Cut, Tilling, segments
from vidmem.errors import DamagedSource, InputError, UsageError
from vidmem.frames import Source
from vidmem.values import Frame

NAMED = ("model", "timm", "transformers")  # encoders that need to be told which model


@dataclass(frozen=True)
class Scene:
    """One scene of a video."""

    number: int  # from 1
    first: int  # frame
    last: int  # frame, in it
    start: float  # seconds
    end: float  # seconds: where the next one starts
    depth: float | None  # of the cut at its end; None for the last, which the video itself ends
    likeness: float | None


@dataclass(frozen=True)
class SceneReport:
    """All scenes of a video, and how they were found."""

    source: str
    frames: int
    rate: float  # frames per second, mean
    encoder: str
    rule: Tilling
    scenes: tuple[Scene, ...]
    damage: DamagedSource | None = None  # what broke off the reading, if something did

    @property
    def cuts(self) -> list[int]:
        """The last frame of every scene but the last."""
        return [scene.last for scene in self.scenes[:-1]]


def make_encoder(name: str) -> FrameEncoder:
    """`colour`, `nano`, `model:NAME`, `timm:NAME`, `transformers:FOLDER`. Raises UnknownName or UsageError."""
    kind, colon, which = name.partition(":")
    made = encoders[kind]
    if kind in NAMED and not which:
        raise UsageError(f"The encoder {kind!r} wants a name: write {kind}:NAME.")
    if colon and kind not in NAMED:
        raise UsageError(f"The encoder {kind!r} takes no name behind a colon; {name!r} has one.")
    return made(which) if kind in NAMED else made()


def find_scenes(
    source: Source,
    encoder: str = "colour",
    rule: Tilling = Tilling(),  # noqa: B008 (frozen)
    told: Callable[[int], None] | None = None,
) -> SceneReport:
    """Every scene of a source. Holds one vector and, for each frame, its time and one likeness.

    told: called with the number of frames read. Raises InputError for a source without frames. A damaged source gives
    the scenes up to the damage, which the report carries.
    """
    encode = make_encoder(encoder)
    before: np.ndarray | None = None
    likeness, times, damage = [], [], None
    frames = iter(source)
    while True:
        try:
            frame = next(frames, None)
        except DamagedSource as broken:
            damage, frame = broken, None
        if frame is None:
            break
        unit = _unit(encode(frame), frame)
        if before is not None:
            likeness.append(float(before @ unit))
        before = unit
        times.append(frame.time)
        if told is not None:
            told(len(times))
    if not times:
        raise damage or InputError(f"{source.name} has no frames, so no scenes.")
    found = rule.cuts(np.array(likeness))
    rate = source.rate or (
        (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 24.0
    )
    return SceneReport(
        source.name, len(times), rate, encoder, rule, tuple(_scenes(found, np.array(times), rate)), damage
    )


def stream_cuts(
    frames: Iterator[Frame] | Source, encoder: str = "colour", rule: StreamingTilling | None = None
) -> Iterator[tuple[Frame, Cut]]:
    """Each cut as it is seen, with the first frame of the scene that it opens."""
    encode, rule = make_encoder(encoder), rule or StreamingTilling()
    state = rule.start()
    for frame in frames:
        state, cut = rule.step(state, encode(frame))
        if cut is not None:
            yield frame, cut


def _unit(feature: np.ndarray, frame: Frame) -> np.ndarray:
    feature = np.asarray(feature, np.float64)
    length = float(np.linalg.norm(feature))
    if not np.isfinite(length):
        raise InputError(f"The encoder's vector of frame {frame.index} is not finite. Check its precision.")
    return feature / length if length > 0 else feature


def _scenes(cuts: list[Cut], times: np.ndarray, rate: float) -> Iterator[Scene]:
    bounds = segments([cut.frame for cut in cuts], len(times))
    for number, (first, last) in enumerate(bounds):
        cut = cuts[number] if number < len(cuts) else None
        end = times[last + 1] if last + 1 < len(times) else times[last] + 1 / rate
        yield Scene(
            number + 1,
            first,
            last,
            float(times[first]),
            float(end),
            None if cut is None else cut.depth,
            None if cut is None else cut.likeness,
        )
