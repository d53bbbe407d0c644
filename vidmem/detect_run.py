"""A source into a folder of detections, frame by frame; what the detector remembers is kept beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vidmem import states
from vidmem.detecting import Stream, VideoDetector
from vidmem.detection_writers import detection_writers
from vidmem.errors import DamagedSource, InputError
from vidmem.found import Found
from vidmem.frames import Source
from vidmem.linking import Linker, Links
from vidmem.saving import make_folder
from vidmem.values import Frame

STATE = "memory.vmem"


@dataclass(frozen=True)
class DetectOutcome:
    """How a run ended."""

    folder: Path
    frames: int
    counts: dict[str, int]  # class -> detections written
    objects: int  # ids given, where objects were linked
    state_bytes: int
    damage: DamagedSource | None = None  # the source broke off behind the last frame


def detections(
    frames: Iterable[Frame],
    detector: VideoDetector,
    *,
    score: float = 0.3,
    linker: Linker | None = None,
    stream: Stream | None = None,
) -> Iterator[tuple[Stream, Frame, Found]]:
    """Every frame of a source with what was found in it; with a linker, each detection with the id of its object.

    score: what a detection must reach where it is not linked; the linker has thresholds of its own.
    """
    links = Links()
    for after, frame, found in detector.run(frames, stream):
        if linker is None:
            yield after, frame, found.above(score)
            continue
        links, linked = linker.step(links, found)
        yield after, frame, linked


def detect(
    source: Source,
    detector: VideoDetector,
    folder: Path,
    *,
    formats: Sequence[str] = ("csv", "coco", "mp4"),
    score: float = 0.3,
    linker: Linker | None = None,
    remembered: Path | None = None,
    overwrite: bool = False,
    stop_after: int | None = None,
    watcher: Callable[[Frame, Found, int], None] | None = None,
) -> DetectOutcome:
    """Detect in a source and write the results into `folder`, with memory.vmem: what is remembered at the end.

    remembered: such a file of another run to begin with. watcher is given each frame, what was found and the bytes that
    are remembered. Raises InputError for a folder that is not empty, a source without frames, a memory of another
    detector; what was finished by then is kept.
    """
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise InputError(f"{folder} is not empty. Add --overwrite to replace what is in it, or choose another --out.")
    before = begin(remembered, detector) if remembered else None
    stream: Stream | None = None
    makers = [detection_writers[name] for name in formats]
    counts: dict[str, int] = {}
    ids: int = 0
    done, size, damage = 0, 0, None
    make_folder(folder)
    with ExitStack() as closers:
        made = [closers.enter_context(closing(make(folder, detector.classes))) for make in makers]
        needs_image = any(each.needs_image for each in made)
        try:
            for stream, frame, found in detections(
                source.between(0, stop_after), detector, score=score, linker=linker, stream=before
            ):
                picture = np.ascontiguousarray(frame.image.permute(1, 2, 0).numpy()) if needs_image else None
                for writer in made:
                    writer.write(found, picture)
                for label in found.labels:
                    name = detector.classes[int(label) - 1]
                    counts[name] = counts.get(name, 0) + 1
                ids = max(ids, int(found.ids.max(initial=0)) if found.ids is not None else 0)
                done, size = done + 1, states.nbytes(stream)
                if watcher:
                    watcher(frame, found, size)
        except DamagedSource as broken:
            damage = broken
    if stream is not None and done:
        states.save(stream, folder / STATE, _of(detector))
    if not done and damage is None:
        raise InputError(f"{source.name} has no frames, so nothing can be found in it. Give another source.")
    return DetectOutcome(folder, done, counts, ids, size, damage)


def begin(remembered: Path, detector: VideoDetector) -> Stream:
    """What another run remembered. Raises InputError for a file that is none, or of another detector or bank."""
    state, notes = states.load(remembered)
    mine = _of(detector)
    for what, now in mine.items():
        if notes.get(what) != now:
            raise InputError(
                f"{remembered} was remembered with {what} {notes.get(what)!r}, this detector has {now!r}. Use the same."
            )
    if not isinstance(state, Stream):
        raise InputError(f"{remembered} holds a {type(state).__name__}, not what a detector remembers.")
    return states.to(state, detector.detector.device)


def _of(detector: VideoDetector) -> dict[str, Any]:
    """What must be equal for one detector to go on with what another remembered."""
    of = detector.detector.architecture
    return {"model": of.name, "bank": type(detector.bank).__name__, "width": of.width, "attention": of.attention}


def account(stream: Stream) -> dict[str, Any]:
    """What a stream remembers, in numbers: rows and bytes of each layer and of the pixels, frames seen."""

    def rows(state: Any) -> int:
        found = [each.shape[0] for each in states.tensors(state) if each.ndim == 2]
        return sum(found)

    return {
        "frames": stream.frames,
        "rows": [rows(each) for each in stream.banks],
        "bytes": [states.nbytes(each) for each in stream.banks],
        "pixels": rows(stream.pixels),
        "pixel_bytes": states.nbytes(stream.pixels),
    }
