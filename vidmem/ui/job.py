"""A pass of tracking in a thread of its own. It goes on whatever the page does, and ends within a frame when asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from vidmem import states
from vidmem.annotation import Annotation
from vidmem.errors import VidmemError
from vidmem.results import annotate
from vidmem.session import Session
from vidmem.ui.approach import approached
from vidmem.ui.results import Results, Row
from vidmem.ui.shelf import Shelf
from vidmem.ui.turns import Turns
from vidmem.ui.work import Direction, Work, followed, start_of
from vidmem.values import Frame, Track


@dataclass(frozen=True, eq=False)
class Progress:
    """How far a pass is. A new one takes its place at each frame."""

    direction: Direction
    start: int
    frame: int  # answered last
    done: int = 0
    total: int | None = None
    seconds: float = 0.0
    state_bytes: int = 0

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.done / self.seconds if self.seconds > 0 else 0.0


class Job:
    """Follows `work` from where it stands. `outcome` is the work behind it, once it is over."""

    def __init__(
        self,
        work: Work,
        direction: Direction,
        frame: int,
        shelf: Shelf,
        turns: Turns,
        seen: Callable[[Frame, Annotation, int], None],
        over: Callable[[Job], None],
    ) -> None:
        """seen: told of each frame, its answer and the bytes of the state. over: told once, at the end.

        Raises InputError when nothing was marked.
        """
        self.start = start_of(work, direction, frame)
        self.work, self.direction, self.shelf, self.turns = work, direction, shelf, turns
        self.seen, self.over = seen, over
        self.stopping, self.ended = threading.Event(), threading.Event()
        self.progress = Progress(direction, self.start, self.start, total=self._total())
        self.problem: str | None = None
        self.outcome = work
        self._fresh: dict[int, dict[int, Row]] = {each: {} for each in work.objects}
        self._session, self._reached = work.session, None
        self.thread = threading.Thread(target=self._run, name="vidmem-track", daemon=True)

    def stop(self) -> None:
        """Ends the pass behind the frame that is being computed, and waits for that."""
        self.stopping.set()
        if threading.current_thread() is not self.thread and self.thread.is_alive():
            self.thread.join()

    def results(self) -> Results:
        """All that is answered by now."""
        return self.work.results.with_rows({each: dict(rows) for each, rows in list(self._fresh.items())})

    @property
    def session(self) -> Session:
        return self._session

    def _run(self) -> None:
        began = time.monotonic()
        try:
            for frame, track, keep in self._answers():
                annotation = annotate(track)
                annotation = replace(
                    annotation, objects={i: each for i, each in annotation.objects.items() if keep(i, frame.index)}
                )
                for object_id, row in self.shelf.put(annotation).items():
                    self._fresh.setdefault(object_id, {})[frame.index] = row
                done = self.progress.done + 1
                self.progress = replace(
                    self.progress,
                    frame=frame.index,
                    done=done,
                    seconds=time.monotonic() - began,
                    state_bytes=self._state_bytes(frame.index),
                )
                self.seen(frame, annotation, self.progress.state_bytes)
                if self.stopping.is_set():
                    break
        except VidmemError as problem:
            self.problem = str(problem)
        except Exception as problem:  # the page has to live on, and to say what happened
            self.problem = f"Tracking broke off: {type(problem).__name__}: {problem}"
        self.outcome = followed(self.work, self._session, self.results(), self._reached)
        self.ended.set()
        self.over(self)

    def _answers(self) -> Iterator[tuple[Frame, Track, Callable[[int, int], bool]]]:
        """Each frame, its answer, and whether the answer for an object in a frame is wanted."""
        if self.direction != "backwards":
            self._session = approached(self._session, self.start, self.turns)
            for session, frame, track in self._in_turn(self._session.propagate(self.start)):
                self._session, self._reached = session, frame.index
                yield frame, track, lambda object_id, index: True
        if self.direction == "backwards":
            for _, frame, track in self._in_turn(self._session.propagate(self.start, backwards=True)):
                yield frame, track, lambda object_id, index: True
        elif self.direction == "both" and not self.stopping.is_set():
            firsts = {each: self.work.first_prompt(each) for each in self.work.objects}
            for _, frame, track in self._in_turn(self._session.propagate(backwards=True)):
                yield frame, track, lambda object_id, index: index < firsts.get(object_id, 0)

    def _in_turn(self, steps: Iterator[tuple[Session, Frame, Track]]) -> Iterator[tuple[Session, Frame, Track]]:
        """One frame each time it is our turn."""
        while True:
            with self.turns.taken():
                step = next(steps, None)
            if step is None:
                return
            yield step

    def _state_bytes(self, frame: int) -> int:
        found = self._session.kept.checkpoints.before(frame + 1)
        return states.nbytes(found[1]) if found else self.progress.state_bytes

    def _total(self) -> int | None:
        length = self.work.session.source.promised
        if self.direction == "backwards":
            return self.start + 1
        if length is None:
            return None
        if self.direction == "both":
            return length - self.start + max(self.work.first_prompt(each) for each in self.work.objects) + 1
        return length - self.start
