"""A plain account of what is remembered: which entries are attended, how old they are, how they count, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vidmem import states
from vidmem.banks import Bank
from vidmem.emission import State
from vidmem.values import Entry, Memory

WHY = {  # kind, from the top of a picture to its foot -> why such an entry is kept
    "prompt": "marked by a person, pinned",
    "long-term": "kept for what it shows, however long ago",
    "recent": "of the latest frames that count",
    "pointer": "the object in one vector; its page is gone",
}


@dataclass(frozen=True)
class Held:
    """One entry that the next frame will attend."""

    kind: str  # of WHY
    frame: int  # it was made of
    slot: int | None  # row of the temporal code; None for a pointer
    weight: float  # its key scale: how much it counts beside the others
    pred_iou: float  # what the model believed of its mask
    object_score_logit: float
    nbytes: int

    @property
    def why(self) -> str:
        return WHY[self.kind]

    def to_json(self) -> list[Any]:
        """Short, for a line of a file."""
        numbers = (round(each, 4) for each in (self.weight, self.pred_iou, self.object_score_logit))
        return [self.kind, self.frame, self.slot, *numbers, self.nbytes]

    @classmethod
    def from_json(cls, said: Sequence[Any]) -> Held:
        return cls(*said)


def account(state: State, bank: Bank) -> Mapping[int, tuple[Held, ...]]:
    """object id -> what the likeliest of its histories attends next, in the order it is attended."""
    memories = {object_id: bank.read(histories[0].bank) for object_id, histories in state.items()}
    return {object_id: _held(memory) if memory else () for object_id, memory in memories.items()}


def _held(memory: Memory) -> tuple[Held, ...]:
    pages = [_entry(_kind(page.entry), page.entry, page.slot, page.key_scale) for page in memory.pages]
    shown = {page.entry.frame for page in memory.pages}
    alone = [each for each in memory.pointers if each.entry.frame not in shown]
    return (*pages, *(_entry("pointer", each.entry, None, each.key_scale) for each in alone))


def _kind(entry: Entry) -> str:
    return "long-term" if entry.long_term else "prompt" if entry.prompted else "recent"


def _entry(kind: str, entry: Entry, slot: int | None, weight: float) -> Held:
    return Held(kind, entry.frame, slot, weight, entry.pred_iou, entry.object_score_logit, states.nbytes(entry))
