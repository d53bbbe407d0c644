"""A plain account of what is remembered: which entries are attended, how old they are, how they count, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vidmem import states
from vidmem.banks import Bank
from vidmem.emission import State
from vidmem.targets import Learned
from vidmem.values import Entry, Memory

WHY = {  # kind, from the top of a picture to its foot -> why such an entry is kept
    "prompt": "marked by a person, pinned",
    "long-term": "kept for what it shows, however long ago",
    "recent": "of the latest frames that count",
    "pointer": "the object in one vector; its page is gone",
    "sample": "the target model learned from it in its latest fit",
    "resting": "kept to be learned from, but not in the latest fit",
    "filter": "what the target model learned; its weight is the share of it that was frozen",
}


@dataclass(frozen=True)
class Held:
    """One entry that the next frame will attend, or that a target model learns from."""

    kind: str  # of WHY
    frame: int  # it was made of
    slot: int | None  # row of the temporal code; None for a pointer, and for all of a target model
    weight: float  # its key scale, or its weight in a fit: how much it counts beside the others
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
    """object id -> what the likeliest of its histories attends next, in the order it is attended, then what its target
    model learns from and what it learned."""
    memories = {object_id: bank.read(histories[0].bank) for object_id, histories in state.items()}
    return {
        object_id: (_held(memory) if memory else ()) + _learned(state[object_id][0].target)
        for object_id, memory in memories.items()
    }


def _learned(target: Learned | None) -> tuple[Held, ...]:
    if target is None:
        return ()
    held = []
    for each in target.samples:
        weight = target.weights.get(each.step, 0.0)  # what came behind the latest fit has none yet
        kind = "sample" if weight > 0 else "resting"
        size = states.nbytes(each)
        held.append(Held(kind, each.frame, None, weight, each.pred_iou, each.object_score_logit, size))
    if target.filter is not None:
        size = states.nbytes((target.filter, target.kept))
        held.append(Held("filter", target.fitted, None, target.frozen, 1.0, 0.0, size))
    return tuple(held)


def _held(memory: Memory) -> tuple[Held, ...]:
    pages = [_entry(_kind(page.entry), page.entry, page.slot, page.key_scale) for page in memory.pages]
    shown = {page.entry.frame for page in memory.pages}
    alone = [each for each in memory.pointers if each.entry.frame not in shown]
    return (*pages, *(_entry("pointer", each.entry, None, each.key_scale) for each in alone))


def _kind(entry: Entry) -> str:
    return "long-term" if entry.long_term else "prompt" if entry.prompted else "recent"


def _entry(kind: str, entry: Entry, slot: int | None, weight: float) -> Held:
    return Held(kind, entry.frame, slot, weight, entry.pred_iou, entry.object_score_logit, states.nbytes(entry))
