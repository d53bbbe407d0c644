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
import torch

from vidmem import states
from vidmem.annotation import Annotation
from vidmem.asked import Saying
from vidmem.backwards import Backwards, follow_backwards
from vidmem.emission import State, release
from vidmem.errors import DamagedSource, InputError, OutOfMemory, UsageError
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
class Point:
    """Where a run stands: the next frame, the state before it, and how many answers were given out by then."""

    frame: int = 0
    state: State | None = None
    given: int = 0  # fewer than `frame` where answers are held back (emission.py)
    time: float = 0.0  # of the last answer given out, in seconds


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
    state: State = states.to(point.state, tracker.model.device) if point.state else {}
    pending, damage = Pending(tuple(sayings)), None
    if both_ways and point.given == 0:
        follow_backwards(source, tracker, sayings, folder, overlap)
    backwards = Backwards(folder) if both_ways else None
    with ExitStack() as closers:
        closers.enter_context(closing(log))
        made = [closers.enter_context(closing(maker(folder))) for maker in makers.values()]
        summary = closers.enter_context(closing(SummaryFile(folder, **(facts or {}))))
        record = closers.enter_context(closing(MemoryRecord(folder, tracker.bank, point.given)))
        for annotation, image in _logged(folder, source, made, point.given):
            pending = pending.behind(annotation.frame, annotation.time)
            _give(made, annotation, image)
            summary.write(annotation)
        began = time.monotonic()

        def give_out(frame: Frame, track: Track) -> None:
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

        held: tuple[Frame, ...] = ()
        saved_at = began
        try:
            for frame in _onwards(source, point, stop_after):
                if frame.index < point.frame:  # seen before the run was broken off, its answer not yet given out
                    held = (*held, frame)
                    continue
                prompts, pending = pending.due(frame)
                state, track = _step(tracker, state, frame, prompts)
                if tracker.emit == "best":
                    given = [(frame, track)]
                else:
                    state, given, held = release(tracker.emission, state, (*held, frame))
                for each in given:
                    give_out(*each)
                latest = given[-1][0].time if given else point.time
                point = Point(frame.index + 1, state, point.given + len(given), latest)
                if time.monotonic() - saved_at >= save_every:
                    _save(folder, point)
                    saved_at = time.monotonic()
        except DamagedSource as broken:
            damage = broken
        finally:
            _save(folder, point)
        # No frame is to come that could change these. They are not saved so: a run that goes on may know better.
        for each in release(tracker.emission, state, held, ended=True)[1]:
            give_out(*each)
    if damage is None and stop_after is None:
        pending.must_be_over(source.name, point.frame)
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
    if log.frames > notes["given"]:
        log.truncate(notes["given"] - 1)
    return Point(notes["frames"], state, notes["given"], notes["time"]), log


def _save(folder: Path, point: Point) -> None:
    notes = {"frames": point.frame, "given": point.given, "time": point.time}
    states.save(point.state, folder / STATE, notes)


def _onwards(source: Source, point: Point, stop_after: int | None) -> Iterator[Frame]:
    """The frames whose answers are to come. A live source knows nothing of those before: its frames are numbered on."""
    if not getattr(source, "live", False) or point.frame == 0:
        yield from source.between(point.given, stop_after)
        return
    pause = 1 / (source.rate or 25.0)
    for frame in source.between(0, None if stop_after is None else max(0, stop_after - point.frame)):
        index = point.frame + frame.index
        yield replace(frame, index=index, name=f"{index:05d}", time=point.time + pause + frame.time)


def _logged(
    folder: Path, source: Source, made: Sequence[Writer], frames: int
) -> Iterator[tuple[Annotation, np.ndarray | None]]:
    """What the log holds of the first `frames` frames, with the pictures where a writer shows them."""
    if frames == 0:
        return
    pictures = None
    if _need_images(made):
        if not source.seekable:
            raise UsageError(f"{source.name} cannot be read again, so mp4 cannot be resumed on it. Leave mp4 out.")
        pictures = source.between(0, frames)
    for annotation in RunLog.read(folder):
        yield annotation, _picture(next(pictures)) if pictures else None


def _step(tracker: Tracker, state: State, frame: Frame, prompts: Sequence[Any]) -> Any:
    try:
        return tracker.step(state, frame, prompts)
    except (torch.OutOfMemoryError, MemoryError) as full:
        raise OutOfMemory(
            f"Out of memory at frame {frame.name} with {len(state) + len(prompts)} objects. Try a smaller model or "
            "--set model.image_size=512; what is finished is saved, go on with --resume."
        ) from full


def _need_images(made: Sequence[Writer]) -> bool:
    return any(writer.needs_image for writer in made)


def _picture(frame: Frame) -> np.ndarray:
    """(H, W, 3) uint8."""
    return np.ascontiguousarray(frame.image.permute(1, 2, 0).cpu().numpy())


def _give(made: Sequence[Writer], annotation: Annotation, image: np.ndarray | None) -> None:
    for writer in made:
        writer.write(annotation, image)
