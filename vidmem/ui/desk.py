"""One person's place: their video, their work and its history, the pass that runs, their folder."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from shutil import rmtree
from typing import Any

from vidmem.annotation import Annotation
from vidmem.emission import State
from vidmem.errors import InputError
from vidmem.frames import Source
from vidmem.saving import make_folder
from vidmem.session import Session
from vidmem.ui.history import History
from vidmem.ui.job import Job
from vidmem.ui.limits import Limits, in_words
from vidmem.ui.memory import Thumbnails
from vidmem.ui.reel import Reel
from vidmem.ui.shelf import Shelf
from vidmem.ui.trackers import Trackers
from vidmem.ui.turns import Turns
from vidmem.ui.work import Direction, Work, begun, next_object, thinned, weight, with_tracker
from vidmem.values import Frame

CHECK_EVERY = 200  # frames between two looks at how much lies in the folder


@dataclass(frozen=True)
class Clip:
    """The video on the desk, as it is shown."""

    name: str
    frames: int
    size: tuple[int, int]  # (H, W)
    rate: float
    file: Path | None = None  # of an upload


@dataclass(frozen=True)
class Chosen:
    """The tracker as a person chose it."""

    tracker: str = "sam2"
    model: str = "nano"
    settings: tuple[tuple[str, Any], ...] = ()  # those that differ from the card


class Desk:
    """Every method that changes something is called with the lock held; a pass of tracking only announces news."""

    def __init__(
        self, token: str, folder: Path, trackers: Trackers, turns: Turns, limits: Limits, chosen: Chosen
    ) -> None:
        self.token, self.folder, self.limits = token, make_folder(folder), limits
        self.trackers, self.turns, self.chosen = trackers, turns, chosen
        self.lock, self.news = threading.RLock(), threading.Condition()
        self.serial, self.note, self.heard_at = 0, "", time.monotonic()
        self.leaving_at: float | None = None
        self.frame, self.selected, self.follows = 0, 1, True
        self.job: Job | None = None
        self.live: tuple[Frame, Annotation] | None = None
        self.downloads: dict[str, Path] = {}
        self.weights: dict[int, int] = {}  # frame -> bytes of all that was remembered behind it
        self.closed = False
        self.generation = 0  # of the video: each has a folder of its own
        self.clip: Clip
        self.history: History[Work]

    def lay(self, source: Source, name: str, file: Path | None = None) -> None:
        """Puts a video on the desk, in place of the one before with all that was made of it."""
        first = next(source.between(0, 1), None)
        if first is None:
            raise InputError(f"{name} begins with a picture that cannot be read. Repair it, or choose another.")
        tracker = self.trackers.get(self.chosen.tracker, self.chosen.model, dict(self.chosen.settings))
        self._clear()
        self.generation += 1
        length = source.promised
        if length is None:  # it does not say: it is counted, as far as a video may be long
            length = sum(1 for _ in islice(source.between(0), int(self.limits.seconds * (source.rate or 24.0))))
        self.clip = Clip(name, length, first.size, source.rate or 24.0, file)
        self.history = History(begun(tracker, source))
        self.reel, self.shelf = Reel(source), Shelf(self.folder / f"work-{self.generation}", first.size)
        self.thumbnails, self.downloads, self.live, self.weights = Thumbnails(), {}, None, {}
        self.frame, self.selected, self.follows = 0, 1, True

    @property
    def work(self) -> Work:
        return self.history.present

    def did(self, what: str, work: Work) -> None:
        """A step that can be undone."""
        grown = self.history.did(what, work)
        self.history = grown.bounded(self.limits.undo_steps, weight, self.limits.undo_bytes, thinned)
        self.changed()

    def changed(self, note: str | None = None) -> None:
        """Tells whoever waits that there is something new to show."""
        with self.news:
            self.serial += 1
            self.note = self.note if note is None else note
            self.news.notify_all()

    def read(self, index: int) -> Frame:
        """Raises InputError when the video has no such frame."""
        if not 0 <= index < self.clip.frames:
            raise InputError(
                f"{self.clip.name} has no frame {index}. It has {self.clip.frames}, 0 to {self.clip.frames - 1}."
            )
        return self.reel.at(index)

    def state_at(self, frame: int) -> State | None:
        """What is remembered behind a frame, where that is at hand."""
        session = self.job.session if self.job else self.work.session
        found = session.kept.checkpoints.before(frame + 1)
        return found[1] if found and found[0] == frame + 1 else None

    def choose(self, chosen: Chosen) -> None:
        """Another tracker, model or setting. Corrections stay; with another model they are asked again."""
        tracker = self.trackers.get(chosen.tracker, chosen.model, dict(chosen.settings))
        self.stop()
        if chosen.model == self.chosen.model:
            work = with_tracker(self.work, tracker)
        else:
            work = self._asked_again(replace(self.work, session=Session(tracker, self.work.session.source)))
        self.chosen = chosen
        self.history = History(work)  # what was kept before belongs to another memory: there is no way back into it
        self.changed()

    def _asked_again(self, fresh: Work) -> Work:
        from vidmem.results import annotate

        session, rows = fresh.session, {}
        for frame, said in sorted(self.work.session.kept.asked.items()):
            for object_id, asked in said.items():
                with self.turns.taken():
                    session, track = session.prompt(frame, asked.prompt)
                rows.setdefault(object_id, {})[frame] = self.shelf.put(annotate(track))[object_id]
        first = min(session.kept.asked, default=None)
        return replace(fresh, session=session, results=fresh.results.with_rows(rows), stale_from=first)

    def track(self, direction: Direction) -> None:
        """Begins a pass. Raises InputError when nothing was marked, or the folder is full."""
        self.stop()
        self.check_space()
        self.live, self.follows = None, True
        self.job = Job(self.work, direction, self.frame, self.shelf, self.turns, self._seen, lambda job: self.changed())
        self.job.thread.start()
        self.changed(f"Tracking {direction} from frame {self.job.start}.")

    def stop(self) -> None:
        """Ends the pass that runs, if any, within a frame; what it answered stays."""
        if self.job:
            self.job.stop()
            self.harvest()

    def harvest(self) -> None:
        """Takes up the outcome of a pass that is over."""
        job = self.job
        if job is None or not job.ended.is_set():
            return
        job.thread.join()
        self.job, self.live = None, None
        looks = self.work.looks  # may have changed meanwhile
        if self.follows and job.progress.done:
            self.frame = job.progress.frame
        words = f"Tracked {job.progress.done} frames {job.direction}, {job.progress.rate:.1f} a second."
        if job.stopping.is_set():
            words = f"Stopped behind frame {job.progress.frame}. " + words
        self.did(f"track {job.direction}", replace(job.outcome, looks=looks))
        self.changed(job.problem or words)

    def _seen(self, frame: Frame, annotation: Annotation, state_bytes: int) -> None:
        """Called by the pass, without the lock."""
        self.live = frame, annotation
        self.weights[frame.index] = state_bytes
        job = self.job
        if job is None:
            return
        self.thumbnails.add(job.work, frame, annotation)
        if job.progress.done % CHECK_EVERY == 0 and self.used() > self.limits.folder_bytes:
            job.problem = self._full()
            job.stopping.set()
        self.changed()

    def used(self) -> int:
        """Bytes of all files in the folder."""
        return sum(map(_size, self.folder.rglob("*")))

    def check_space(self) -> None:
        if self.used() > self.limits.folder_bytes:
            raise InputError(self._full())

    def _full(self) -> str:
        return (
            f"All {in_words(self.limits.folder_bytes)} of your space on this server are used. Export what you have, "
            "then open the video again to begin with an empty folder."
        )

    def free_object(self) -> int:
        return next_object(self.work)

    def _clear(self) -> None:
        """Lets go of the video on the desk, and of its files."""
        if not hasattr(self, "clip"):
            return
        self.stop()
        self.reel.close()
        self.shelf.close()
        close = getattr(self.work.session.source, "close", None)
        if close:
            close()
        rmtree(self.folder / f"work-{self.generation}", ignore_errors=True)
        rmtree(self.folder / "exports", ignore_errors=True)
        if self.clip.file:
            self.clip.file.unlink(missing_ok=True)

    def close(self) -> None:
        """Frees all that belongs to the person, files included."""
        with self.lock:
            self._clear()
            self.closed = True
            rmtree(self.folder, ignore_errors=True)
            self.changed()


def _size(path: Path) -> int:
    """Bytes of a file; 0 for one that another thread has just taken away."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0
