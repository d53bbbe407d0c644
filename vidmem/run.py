"""A run: a source is followed into a folder, so that a kill at any moment costs seconds and never a result.

Each frame goes first into the log, then to the writers; now and then the state is saved. A resumed run cuts the log
back to the saved state, gives the writers what the log holds, and goes on from there: the masks are those of a run that
was never broken off.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vidmem import states
from vidmem.annotation import Annotation
from vidmem.answers import Point, answers
from vidmem.asked import Saying
from vidmem.backwards import Backwards, follow_backwards
from vidmem.emission import State
from vidmem.errors import DamagedSource, InputError, UsageError
from vidmem.frames import Source
from vidmem.memory_record import MemoryRecord
from vidmem.prompting import Pending
from vidmem.results import annotate
from vidmem.runlog import RunLog, clear_run, has_run
from vidmem.summary import Summary, SummaryFile
from vidmem.tracker import Tracker
from vidmem.values import Frame, Track
from vidmem.writers import Writer, writers

STATE = "state.vmem"


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    folder: Path
    summary: Summary
    damage: DamagedSource | None = None  # the source broke off behind the last frame


@dataclass(frozen=True)
class Moment:
    """What there is to tell while a run goes on."""

    annotation: Annotation
    summary: Summary
    state_bytes: int


def follow(
    source: Source,
    tracker: Tracker,
    sayings: Sequence[Saying],
    folder: Path,
    *,
    formats: Sequence[str] = ("png", "rle", "csv", "mp4"),
    facts: Mapping[str, Any] | None = None,
    mode: str = "new",
    overlap: bool = True,
    both_ways: bool = False,
    stop_after: int | None = None,
    save_every: float = 5.0,
    watcher: Callable[[Moment], None] | None = None,
) -> Outcome:
    """Follow what was asked through a source, and write the results into `folder`.

    formats: names of the table of writers. facts: what the run was asked, as JSON holds it; a run is only resumed with
    the same. mode: "new" refuses a folder that is not empty, "overwrite" replaces an earlier run, "resume" goes on with
    one. stop_after: frames, for sources without an end. save_every: seconds between saved states.
    Raises InputError, UsageError or OutOfMemory; what was finished by then is saved.
    """
    makers = {name: writers[name] for name in formats}
    point, log = _open(folder, mode, dict(facts or {}))
    point = replace(point, state=states.to(point.state, tracker.model.device) if point.state else {})
    pending, damage = Pending(tuple(sayings)), None
    if both_ways and point.given == 0:
        follow_backwards(source, tracker, sayings, folder, overlap)
    backwards = Backwards(folder) if both_ways else None
    with ExitStack() as closers:
        closers.enter_context(closing(log))
        made = [closers.enter_context(closing(maker(folder))) for maker in makers.values()]
        summary = closers.enter_context(closing(SummaryFile(folder, **(facts or {}))))
        record = closers.enter_context(closing(MemoryRecord(folder, tracker.bank, point.given)))
        if point.frame and _need_images(made) and not source.seekable:
            raise UsageError(f"{source.name} cannot be read again, so mp4 cannot be resumed on it. Leave mp4 out.")
        for annotation, image in _logged(folder, source, made, point.given):
            pending = pending.behind(annotation.frame, annotation.time)
            _give(made, annotation, image)
            summary.write(annotation)
        began = time.monotonic()

        def give_out(frame: Frame, track: Track, state: State) -> None:
            nonlocal began
            annotation = annotate(track, overlap)
            if backwards:
                annotation = backwards.before(annotation)
            size = states.nbytes(state)
            log.append(annotation)
            _give(made, annotation, _picture(frame) if _need_images(made) else None)
            now = time.monotonic()
            summary.write(annotation, now - began, size)
            record.write(annotation, state, size)
            began = now
            if watcher:
                watcher(Moment(annotation, summary.summary, size))

        saved_at = began
        try:
            for then, settled in answers(source, tracker, pending, point, stop_after):
                for frame, track in settled:
                    give_out(frame, track, then.state or {})
                point = then
                if time.monotonic() - saved_at >= save_every:
                    _save(folder, point)
                    saved_at = time.monotonic()
        except DamagedSource as broken:
            damage = broken
        finally:
            _save(folder, point)
    if backwards and damage is None and stop_after is None:  # else a run that goes on may still need them
        backwards.drop()
    return Outcome(folder, summary.summary, damage)


def _open(folder: Path, mode: str, facts: dict[str, Any]) -> tuple[Point, RunLog]:
    """Where to begin, and the log to go on with."""
    if mode == "resume":
        return _reopen(folder, facts)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; --out names a folder.")
    if mode == "new" and folder.is_dir() and any(folder.iterdir()):
        raise InputError(
            f"{folder} is not empty. Add --resume to go on with the run in it, --overwrite to replace it, or choose "
            "another --out."
        )
    if folder.is_dir() and has_run(folder):
        clear_run(folder)
    (folder / STATE).unlink(missing_ok=True)
    return Point(), RunLog.start(folder, facts)


def _reopen(folder: Path, facts: dict[str, Any]) -> tuple[Point, RunLog]:
    if not has_run(folder):
        raise InputError(f"{folder} holds no run to go on with. Leave out --resume.")
    was = RunLog.about(folder)
    for name in sorted({*was, *facts}):
        if was.get(name) != facts.get(name):
            raise UsageError(
                f"The run in {folder} was made with {name} {was.get(name)!r}, now it is {facts.get(name)!r}. "
                "Ask the same to go on with it, or use --overwrite."
            )
    if not (folder / STATE).is_file():  # killed before its first save
        return Point(), RunLog.start(folder, facts)
    state, notes = states.load(folder / STATE)
    log = RunLog.resume(folder)
    point = Point.of(notes, state)
    if log.frames > point.given:
        log.truncate(point.given - 1)
    elif log.frames < point.given:
        log.close()
        raise InputError(
            f"{log.path} holds {log.frames} frames and {STATE} stands behind {point.given}: the machine broke off "
            "before both were on the disk. Run it again with --overwrite."
        )
    return point, log


def _save(folder: Path, point: Point) -> None:
    states.save(point.state, folder / STATE, point.notes())


def _logged(
    folder: Path, source: Source, made: Sequence[Writer], frames: int
) -> Iterator[tuple[Annotation, np.ndarray | None]]:
    """What the log holds of the first `frames` frames, with the pictures where a writer shows them."""
    if frames == 0:
        return
    pictures = source.between(0, frames) if _need_images(made) else None
    for annotation in RunLog.read(folder):
        yield annotation, _picture(next(pictures)) if pictures else None


def _need_images(made: Sequence[Writer]) -> bool:
    return any(writer.needs_image for writer in made)


def _picture(frame: Frame) -> np.ndarray:
    """(H, W, 3) uint8."""
    return np.ascontiguousarray(frame.image.permute(1, 2, 0).cpu().numpy())


def _give(made: Sequence[Writer], annotation: Annotation, image: np.ndarray | None) -> None:
    for writer in made:
        writer.write(annotation, image)
