"""A tracker with a person in front of it: mark, follow, correct anywhere, take back, go on.

A session is a value. Each verb returns the next session, so undo is keeping the one before. What it answers is a
function of the frames and of what is asked; its memory is bounded (vidmem/checkpoints.py), not a frame is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vidmem import states
from vidmem.checkpoints import Checkpoints
from vidmem.emission import State
from vidmem.errors import InputError
from vidmem.frames import Source
from vidmem.tracker import Tracker, without
from vidmem.values import Frame, Guess, Prompt, Track


@dataclass(frozen=True, eq=False)
class Asked:
    """What was said of an object in a frame, and the answer it got. The answer stays whatever else changes."""

    prompt: Prompt
    guess: Guess


@dataclass(frozen=True, eq=False)
class Kept:
    """All of a session that is worth a file."""

    asked: Mapping[int, Mapping[int, Asked]] = field(default_factory=dict)  # frame -> object id -> what was asked
    names: Mapping[int, str] = field(default_factory=dict)  # object id -> its name
    reached: int = -1  # the last frame that was ever answered going forwards
    checkpoints: Checkpoints = field(default_factory=Checkpoints)


@dataclass(frozen=True, eq=False)
class Session:
    """The prompts given so far over a source that can be read again, and how to go on from any frame.

    It answers at once, whatever the tracker's `emit` says: what a person corrects has to be the answer they saw.
    """

    tracker: Tracker
    source: Source
    kept: Kept = field(default_factory=Kept)

    def __post_init__(self) -> None:
        if self.tracker.emit != "best":
            object.__setattr__(self, "tracker", replace(self.tracker, emit="best"))

    def prompt(self, frame: int, prompt: Prompt) -> tuple[Session, Track]:
        """Say something of an object in a frame, and see the answer for it at once.

        The first words on an object begin it. Points on a frame that was already answered correct that answer: they see
        the object's memory and the mask given before (SAM 2, 4). Points on a frame never reached stand for themselves.
        More points on the same frame add to those before; a new mask replaces them. Raises InputError for a prompt that
        does not fit the frame.
        """
        picture = self._read(frame)
        object_id = prompt.object_id
        before = self.kept.asked.get(frame, {}).get(object_id)
        state = self._state_before(frame) if frame <= self.kept.reached else {}
        state = {object_id: state[object_id]} if object_id in state else {}
        whole, previous = prompt, None
        if prompt.mask is None and before is not None:
            corrects_mask = before.prompt.mask is not None
            whole, previous = prompt if corrects_mask else before.prompt.and_also(prompt), before.guess.mask
        elif prompt.mask is None and state:
            previous = self.tracker.step(state, picture)[1].guesses[object_id].mask
        earlier = {} if previous is None else {object_id: previous}
        _, track = self.tracker.step(state, picture, [whole], previous=earlier)
        asked = {
            **self.kept.asked,
            frame: {**self.kept.asked.get(frame, {}), object_id: Asked(whole, track.guesses[object_id])},
        }
        return self._with(asked, changed_at=frame), track

    def unprompt(self, frame: int, object_id: int) -> Session:
        """Take back what was said of an object in a frame. An object of which nothing is left leaves."""
        if object_id not in self.kept.asked.get(frame, {}):
            raise InputError(f"Nothing was said of object {object_id} in frame {frame}, so nothing can be taken back.")
        rest = {each: asked for each, asked in self.kept.asked[frame].items() if each != object_id}
        asked = {at: said for at, said in {**self.kept.asked, frame: rest}.items() if said}
        if all(object_id not in said for said in asked.values()):
            return self.remove(object_id)
        return self._with(asked, changed_at=frame)

    def remove(self, object_id: int) -> Session:
        """Let an object go, with all that was said of it."""
        if object_id not in self.objects:
            raise InputError(f"There is no object {object_id} to remove. Known: {self._known()}.")
        asked = {at: {i: each for i, each in said.items() if i != object_id} for at, said in self.kept.asked.items()}
        kept = replace(
            self.kept,
            asked={at: said for at, said in asked.items() if said},
            names={each: name for each, name in self.kept.names.items() if each != object_id},
            checkpoints=self.kept.checkpoints.each(
                lambda state: without(state, object_id) if object_id in state else state
            ),
        )
        return replace(self, kept=kept)

    def rename(self, object_id: int, name: str) -> Session:
        """Give an object a name; its number stays."""
        if object_id not in self.objects:
            raise InputError(f"There is no object {object_id} to rename. Known: {self._known()}.")
        return replace(self, kept=replace(self.kept, names={**self.kept.names, object_id: name}))

    @property
    def objects(self) -> list[int]:
        """The ids of all objects, in order."""
        return sorted({object_id for said in self.kept.asked.values() for object_id in said})

    def propagate(
        self, start: int | None = None, stop: int | None = None, backwards: bool = False
    ) -> Iterator[tuple[Session, Frame, Track]]:
        """Follow the objects from frame `start` up to but without `stop`, or down to and with `stop` when `backwards`.

        Forwards, the past before `start` is taken up as it was (replayed where it is no longer kept); the default start
        is the first prompt. Backwards, objects begin at their prompts on the way; the default start is the last of the
        objects' first prompts. Yields the session as it stands behind each frame: stop when you like.
        """
        if not self.kept.asked:
            raise InputError("Nothing was marked yet, so there is nothing to follow. Give a prompt first.")
        if backwards:
            yield from self._back(start, stop)
            return
        start = min(self.kept.asked) if start is None else start
        session, state = self, self._state_before(start)
        for frame in self.source.between(start, stop):
            state, track = self._step(state, frame)
            kept = session.kept
            session = replace(
                session,
                kept=replace(
                    kept,
                    reached=max(kept.reached, frame.index),
                    checkpoints=kept.checkpoints.put(frame.index + 1, state),
                ),
            )
            yield session, frame, track

    def save(self, path: Path) -> None:
        """Write the session to a file; `load` goes on from it identically."""
        states.save(self.kept, path, {"model": self.tracker.model.spec.name, "bank": type(self.tracker.bank).__name__})

    @classmethod
    def load(cls, path: Path, tracker: Tracker, source: Source) -> Session:
        """The session in a file, with the tracker and the source it was made with."""
        kept, notes = states.load(path)
        for part, mine in (("model", tracker.model.spec.name), ("bank", type(tracker.bank).__name__)):
            if notes.get(part) != mine:
                raise InputError(
                    f"{path} was made with the {part} {notes.get(part)!r}, this tracker has {mine!r}. "
                    "Open it with the tracker and model it was made with."
                )
        if not isinstance(kept, Kept):
            raise InputError(f"{path} holds a {type(kept).__name__}, not a session.")
        return cls(tracker, source, states.to(kept, tracker.model.device))

    def _with(self, asked: Mapping[int, Mapping[int, Asked]], changed_at: int) -> Session:
        return replace(
            self, kept=replace(self.kept, asked=asked, checkpoints=self.kept.checkpoints.forget_after(changed_at))
        )

    def _step(self, state: State, frame: Frame) -> tuple[State, Track]:
        said = self.kept.asked.get(frame.index, {})
        return self.tracker.step(state, frame, settled={object_id: asked.guess for object_id, asked in said.items()})

    def _state_before(self, frame: int) -> State:
        """The state as it is when `frame` comes: the nearest one kept, and the way from there."""
        first = min(self.kept.asked, default=frame)
        at, state = self.kept.checkpoints.before(frame) or (min(first, frame), {})
        if at < frame:
            for picture in self.source.between(at, frame):
                state, _ = self._step(state, picture)
        return state

    def _back(self, start: int | None, stop: int | None) -> Iterator[tuple[Session, Frame, Track]]:
        if start is None:
            start = max(min(at for at, said in self.kept.asked.items() if each in said) for each in self.objects)
        state: State = {}
        for frame in self.source.between(start, stop - 1 if stop else None, -1):
            state, track = self._step(state, frame)
            yield self, frame, track

    def _read(self, frame: int) -> Frame:
        for picture in self.source.between(frame, frame + 1):
            return picture
        promised = f" It has {self.source.promised}." if self.source.promised else ""
        raise InputError(f"{self.source.name} has no frame {frame}.{promised} The first frame is 0.")

    def _known(self) -> str:
        return ", ".join(map(str, self.objects)) or "none"
