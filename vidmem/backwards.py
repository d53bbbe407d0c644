"""The frames before an object's first prompt: found by following the video backwards, kept on disk until needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shutil import rmtree

from vidmem.annotation import Annotation
from vidmem.asked import Saying
from vidmem.emission import State, release
from vidmem.errors import InputError, UsageError
from vidmem.frames import Source
from vidmem.prompting import Pending
from vidmem.results import annotate
from vidmem.runlog import RunLog, has_run
from vidmem.tracker import Tracker
from vidmem.values import Frame

FOLDER = ".backwards"
PIECE = 16  # frames that are read back at a time


class Backwards:
    """What the way back said. On disk in pieces, of which one is in memory; forwards they are met in turn."""

    def __init__(self, folder: Path):
        self.folder = folder / FOLDER
        self._piece, self._annotations = -1, {}

    def before(self, annotation: Annotation) -> Annotation:
        """The annotation with the objects that are not begun yet, as the way back saw them."""
        piece = annotation.frame // PIECE
        if piece != self._piece:
            place = self.folder / str(piece)
            found = RunLog.read(place) if has_run(place) else ()
            self._piece, self._annotations = piece, {each.frame: each for each in found}
        earlier = self._annotations.get(annotation.frame)
        if earlier is None:
            return annotation
        return replace(annotation, objects={**earlier.objects, **annotation.objects})

    def drop(self) -> None:
        """Takes the pieces off the disk, when every frame has met them."""
        rmtree(self.folder, ignore_errors=True)


def follow_backwards(
    source: Source,
    tracker: Tracker,
    sayings: Sequence[Saying],
    folder: Path,
    overlap: bool,
    report: Callable[[int], None] | None = None,
) -> None:
    """Follow every object from its last prompt down to frame 0. report is given the frames that are left.

    Answers are held back as on the way forwards: for a tracker of several pasts, those of the past that won are kept.

    Raises UsageError for prompts named by time, and InputError for a source that cannot be read backwards.
    """
    for saying in sayings:
        if saying.frame is None:
            raise UsageError(f"{saying.text} names a time; with --direction both name the frame by its number.")
    if not source.seekable:
        raise InputError(f"{source.name} cannot be read backwards. Leave out --direction both, or record it first.")
    pending, log = Pending(tuple(sayings)), _Pieces(folder / FOLDER)
    state: State = {}
    held: tuple[Frame, ...] = ()
    with closing(log):
        for frame in source.between(max(each.frame or 0 for each in sayings), None, -1):
            prompts, pending = pending.due(frame)
            state, settled, held = tracker.advance(state, held, frame, prompts)
            for _, track in settled:
                log.append(annotate(track, overlap))
            if report:
                report(frame.index)
        for _, track in release(tracker.emission, state, held, ended=True)[1]:
            log.append(annotate(track, overlap))


class _Pieces:
    """A log for each piece of the way, written one after another."""

    def __init__(self, folder: Path):
        self.folder, self._log, self._piece = folder, None, -1

    def append(self, annotation: Annotation) -> None:
        piece = annotation.frame // PIECE
        if self._log is None or piece != self._piece:
            self.close()
            self._log, self._piece = RunLog.start(self.folder / str(piece)), piece
        self._log.append(annotation)

    def close(self) -> None:
        if self._log is not None:
            self._log.close()
