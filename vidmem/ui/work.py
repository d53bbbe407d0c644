"""All that a person made on the page, as one value: prompts, objects and their looks, answers. Each thing they do is a
function from one to the next, so undo is the value before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from vidmem import states
from vidmem.checkpoints import Checkpoints
from vidmem.errors import InputError
from vidmem.palette import object_colour
from vidmem.session import Kept, Session
from vidmem.tracker import Tracker
from vidmem.ui.results import Results, Row

Direction = Literal["forwards", "backwards", "both"]


@dataclass(frozen=True)
class Look:
    """How an object is shown."""

    name: str
    colour: str  # #rrggbb
    hidden: bool = False


@dataclass(frozen=True, eq=False)
class Work:
    """The prompts and how to go on (session), what was answered (results), how it looks."""

    session: Session
    results: Results = field(default_factory=Results)
    looks: Mapping[int, Look] = field(default_factory=dict)
    stale_from: int | None = None  # the first frame whose answers an edit has made out of date

    @property
    def objects(self) -> list[int]:
        return self.session.objects

    @cached_property
    def weight(self) -> int:
        """Bytes of what it remembers of the video, and of where its answers lie. Measured once."""
        return states.nbytes(self.session.kept) + self.results.nbytes

    def look(self, object_id: int) -> Look:
        red, green, blue = object_colour(object_id)
        return self.looks.get(object_id) or Look(f"Object {object_id}", f"#{red:02x}{green:02x}{blue:02x}")

    def first_prompt(self, object_id: int) -> int:
        """The first frame in which the object was marked."""
        return min(at for at, said in self.session.kept.asked.items() if object_id in said)

    def prompted(self) -> dict[int, frozenset[int]]:
        """frame -> the objects marked in it."""
        return {at: frozenset(said) for at, said in self.session.kept.asked.items()}

    def colours(self) -> dict[int, tuple[str, tuple[int, int, int]]]:
        """object id -> its name and its colour as red, green and blue."""
        looks = {each: self.look(each) for each in self.objects}
        return {each: (look.name, rgb(look.colour)) for each, look in looks.items()}


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of "#rrggbb". Raises InputError for anything else."""
    try:
        if len(colour) != 7 or colour[0] != "#":
            raise ValueError
        return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
    except ValueError:
        raise InputError(f"{colour[:20]!r} is no colour. Write it as #rrggbb, for example #3a86ff.") from None


def next_object(work: Work) -> int:
    """An id that no object has."""
    return max(work.objects, default=0) + 1


def said(work: Work, session: Session, frame: int, rows: Mapping[int, Row]) -> Work:
    """After a prompt in `frame`: the session behind it, and the rows of the answer."""
    fresh = {object_id: {frame: row} for object_id, row in rows.items()}
    return replace(work, session=session, results=work.results.with_rows(fresh), stale_from=_earlier(work, frame))


def unsaid(work: Work, frame: int, object_id: int) -> Work:
    """What was said of an object in a frame, taken back; an object of which nothing is left leaves."""
    session = work.session.unprompt(frame, object_id)
    if object_id not in session.objects:
        return replace(work, session=session, results=work.results.without(object_id), looks=_without(work, object_id))
    results = work.results.without_answer(frame, object_id)
    return replace(work, session=session, results=results, stale_from=_earlier(work, frame))


def removed(work: Work, object_id: int) -> Work:
    session, results = work.session.remove(object_id), work.results.without(object_id)
    return replace(work, session=session, results=results, looks=_without(work, object_id))


def relooked(work: Work, object_id: int, name: str | None, colour: str | None, hidden: bool | None) -> Work:
    """With another name, colour or visibility of an object; None leaves each as it is."""
    if object_id not in work.objects:
        raise InputError(f"There is no object {object_id}. Mark it in a frame first.")
    look = work.look(object_id)
    if name is not None:
        name = " ".join(name.split())
        if not name or len(name) > 40 or not name.isprintable():
            raise InputError("A name has 1 to 40 letters. Choose another.")
        look = replace(look, name=name)
    if colour is not None:
        rgb(colour)
        look = replace(look, colour=colour.lower())
    if hidden is not None:
        look = replace(look, hidden=hidden)
    return replace(work, looks={**work.looks, object_id: look})


def followed(work: Work, session: Session, results: Results, reached: int | None) -> Work:
    """After a pass of tracking. reached: the last frame it answered going forwards."""
    stale = work.stale_from
    if reached is not None and stale is not None:
        stale = None if reached + 1 >= _length(work, reached + 1) else max(stale, reached + 1)
    return replace(work, session=session, results=results, stale_from=stale)


def with_tracker(work: Work, tracker: Tracker) -> Work:
    """The same work with other memory; corrections stay as they are. The model must be the same.

    What the old memory kept is forgotten: it is built again on the way.
    """
    kept = replace(work.session.kept, checkpoints=Checkpoints(work.session.kept.checkpoints.limit))
    first = min(kept.asked, default=None)
    return replace(work, session=Session(tracker, work.session.source, kept), stale_from=first)


def start_of(work: Work, direction: Direction, frame: int) -> int:
    """The frame a pass would begin at, standing at `frame`. Raises InputError when nothing was marked.

    Forwards: where an edit made answers old or answers are missing, whichever comes first; if none are, at `frame`, or
    at the first prompt where that lies before it. Backwards: at `frame` where something was marked in it, else at the
    last of the objects' first prompts.
    """
    asked = work.session.kept.asked
    if not asked:
        raise InputError("Nothing is marked yet. Click on an object in the picture first.")
    first = min(asked)
    if direction == "backwards":
        return frame if frame in asked else max(work.first_prompt(each) for each in work.objects)
    gap = work.results.first_gap(first, _length(work, 0))
    wanted = [each for each in (gap, work.stale_from) if each is not None]
    return max(first, min(wanted)) if wanted else max(first, frame if frame + 1 < _length(work, 0) else first)


def weight(work: Work) -> int:
    """Bytes a kept value costs."""
    return work.weight


def thinned(work: Work) -> Work:
    """Without the states kept along the video: they are built again when they are needed."""
    kept = replace(work.session.kept, checkpoints=Checkpoints(work.session.kept.checkpoints.limit))
    return replace(work, session=replace(work.session, kept=kept))


def begun(tracker: Tracker, source: object) -> Work:
    """Work with nothing done."""
    return Work(Session(tracker, source, Kept()))  # type: ignore[arg-type]


def _without(work: Work, object_id: int) -> dict[int, Look]:
    """The looks of all others: who takes the number next begins with a name and a colour of its own."""
    return {each: look for each, look in work.looks.items() if each != object_id}


def _earlier(work: Work, frame: int) -> int:
    return frame if work.stale_from is None else min(frame, work.stale_from)


def _length(work: Work, least: int) -> int:
    """Frames of the video, as far as is known."""
    return max(least, work.session.source.promised or 0)
