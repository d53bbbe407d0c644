"""Long-term memory in the manner of XMem (arXiv 2207.07115) and Cutie (arXiv 2310.12982), on the tokens of SAM 2.

Every few frames one is kept whole. When there are too many of these work frames, the older ones are consolidated: their
most attended tokens stay, the rest goes. So an object that comes back after minutes, or looks as it did long ago, is
still known, in a bounded number of tokens.

Where this is not XMem, and why:
- SAM 2 attends with a softmax over all keys, where XMem takes the best 30. How much a token is used is therefore all
  the mass it gets, in the last layer, and it is measured in some frames only, because the attention does not tell it
  for nothing.
- A token of SAM 2 is key and value in one, and where it lies is in its position and rotation. A prototype keeps the
  cell it came from, and potentiation moves key and value alike, where XMem moves the value.
- SAM 2 learned six slots of time and one for prompts. There are at most six recent pages, ranked by age, in place of
  XMem's ten; the long-term tokens stand in the prompts' slot, the only one without an age.
- XMem's sensory memory, which knows the frame just before, is here that frame's page.
- Frames in which the object is absent or not believed in are not kept: what is consolidated stays for long.
- Each object has its own memory, so objects may come and go at any time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from vidmem.banks.consolidation import Used, consolidate, joined, make_room
from vidmem.banks.prompts import PROMPT_SLOT, bounded
from vidmem.values import Entry, Memory, Observation, Page, Pointer, unpacked


class Room(NamedTuple):
    """How many long-term tokens there are."""

    tokens: int  # at most
    prototypes: int  # added at once
    buffer: int  # let go beyond need


@dataclass(frozen=True, eq=False)
class WorkFrame:
    """A frame kept whole, and how much its tokens were attended so far."""

    entry: Entry
    usage: Tensor | None = None  # (N,) float32, added up; None where it was never measured
    life: int = 0  # how many times it was measured

    def attended(self, usage: Tensor) -> WorkFrame:
        return WorkFrame(self.entry, usage if self.usage is None else self.usage + usage, self.life + 1)


@dataclass(frozen=True, eq=False)
class LongTermState:
    step: int = 0  # frames seen so far; the next frame has this number
    prompts: tuple[Entry, ...] = ()  # in the order they were given
    work: tuple[WorkFrame, ...] = ()  # oldest first
    last: Entry | None = None  # the latest frame believed in, where it was tracked behind the latest prompt
    pointers: tuple[Entry, ...] = ()  # the last frames believed in, without tokens, oldest first
    distilled: Used | None = None  # the long-term tokens, oldest first
    source: Entry | None = None  # the newest frame among those they came from, without tokens


@dataclass(frozen=True)
class LongTerm:
    """The prompts, recent frames, and the tokens of older frames that were attended most."""

    frames: int = 6  # recent pages attended, the frame just before among them. SAM 2: six slots; XMem: T_max 10
    min_frames: int = 3  # work frames left whole when the older are consolidated. XMem: T_min 5, half of T_max
    every: int = 5  # frames from one work frame to the next. XMem, Cutie: mem_every
    measure_every: int = 5  # frames from one measurement of usage to the next; XMem measures in all
    prototypes: int = 128  # tokens a consolidation adds. XMem: num_prototypes
    max_tokens: int = 10_000  # long-term tokens. XMem: max_long_term_elements
    max_pages: float = 2.5  # ... that fit into so many pages: 2.4 of SAM 2's at 1024 pixels. XMem: 6.2 at 480p
    buffer_tokens: int = 2_000  # let go beyond need when there are too many. Cutie: buffer_tokens
    sharpness: float = 1.0  # of the likeness by which prototypes are made surer. XMem: 1, in its own space of keys
    min_pred_iou: float = 0.3  # a frame is believed in above this. SAM2Long; XMem has no such number
    long_term_bias: float = 0.0  # added to the logits of long-term tokens. XMem has none
    pointers: int = 15  # SAM 2: max_obj_ptrs_in_encoder 16, the present frame among them
    max_prompts: int = 4  # prompts attended: the first and the newest; 0 for all, without bound
    pointer_span: float = 15.0  # SAM 2: min(frames of the clip, 16) - 1; a stream has no end, hence 15

    def __post_init__(self) -> None:
        if not 1 <= self.min_frames < self.frames <= PROMPT_SLOT:
            raise ValueError(
                f"longterm.min_frames must be 1 or more, frames above it and at most {PROMPT_SLOT}; got "
                f"{self.min_frames}, {self.frames}."
            )
        if self.every < 1 or self.measure_every < 1 or self.prototypes < 1 or self.buffer_tokens < 0:
            raise ValueError(
                "longterm.every, measure_every and prototypes must be 1 or more, buffer_tokens 0 or more; got "
                f"{self.every}, {self.measure_every}, {self.prototypes}, {self.buffer_tokens}."
            )
        if self.max_tokens < self.prototypes + self.buffer_tokens:
            raise ValueError(
                "longterm.max_tokens must be at least prototypes and buffer_tokens together; got "
                f"{self.max_tokens}, {self.prototypes}, {self.buffer_tokens}."
            )
        if self.max_pages <= 0:
            raise ValueError(f"longterm.max_pages must be above 0; got {self.max_pages}.")
        if self.pointers < 0 or self.max_prompts < 0 or self.pointer_span <= 0 or self.sharpness <= 0:
            raise ValueError(
                "longterm.pointers and max_prompts must be 0 or more, pointer_span and sharpness above 0; got "
                f"{self.pointers}, {self.max_prompts}, {self.pointer_span}, {self.sharpness}."
            )

    def start(self) -> LongTermState:
        return LongTermState()

    def read(self, state: LongTermState) -> Memory | None:
        if not state.prompts and state.last is None:
            return None
        recent = [each.entry for each in state.work]
        if state.last is not None and (not recent or recent[-1].step != state.last.step):
            recent.append(state.last)
        pages = [Page(entry, PROMPT_SLOT) for entry in state.prompts]
        pages += [Page(entry, len(recent) - 1 - place) for place, entry in enumerate(recent)]
        if state.distilled is not None and state.source is not None:
            tokens, cells = state.distilled.tokens, state.distilled.cells
            entry = replace(state.source, tokens=tokens, cells=cells, long_term=True)
            pages.append(Page(entry, PROMPT_SLOT, key_bias=self.long_term_bias))
        pointers = [Pointer(entry, float(state.step - entry.step)) for entry in state.prompts]
        pointers += [Pointer(entry, float(rank)) for rank, entry in enumerate(reversed(state.pointers), start=1)]
        want_usage = state.step % self.measure_every == 0
        return Memory(tuple(pages), tuple(pointers), self.pointer_span, want_usage)

    def write(self, state: LongTermState, seen: Observation) -> LongTermState:
        after = replace(self._measured(state, seen), step=state.step + 1)
        if seen.guess.prompted:
            new = replace(seen.remember(), step=state.step)
            return replace(after, prompts=bounded((*state.prompts, new), self.max_prompts), last=None)
        if not seen.guess.visible or seen.guess.pred_iou <= self.min_pred_iou:
            return after
        new = replace(seen.remember(), step=state.step)
        pointers = (*state.pointers, new.without_tokens())
        after = replace(after, last=new, pointers=pointers[max(0, len(pointers) - self.pointers) :])
        if state.step - self._latest(state) < self.every:
            return after
        return self._consolidated(replace(after, work=(*after.work, WorkFrame(new))))

    def _latest(self, state: LongTermState) -> int:
        """The step of the newest frame that is kept for long: a prompt or a work frame."""
        kept = (*state.prompts[-1:], *(each.entry for each in state.work[-1:]))
        return max((entry.step for entry in kept), default=-self.every)

    def _measured(self, state: LongTermState, seen: Observation) -> LongTermState:
        """The state with what was told of the attention its pages got. They came in the order of `read`."""
        usage = seen.candidates.usage
        if usage is None:
            return state
        first = len(state.prompts)
        work = tuple(each.attended(usage[first + place]) for place, each in enumerate(state.work))
        distilled = None if state.distilled is None else state.distilled.attended(usage[-1])
        return replace(state, work=work, distilled=distilled)

    def _consolidated(self, state: LongTermState) -> LongTermState:
        """The state with the older work frames made into long-term tokens, if there are too many."""
        if len(state.work) < self.frames:
            return state
        old, work = state.work[: -self.min_frames], state.work[-self.min_frames :]
        used = [_as_used(each) for each in old]
        room = self._room(len(used[-1]))
        new = consolidate(joined(used), room.prototypes, self.sharpness)
        if state.distilled is not None:
            known = make_room(state.distilled, room.prototypes, room.tokens, room.buffer)
            new = joined([known, new])
        return replace(state, work=work, distilled=new, source=old[-1].entry.without_tokens())

    def _room(self, page: int) -> Room:
        """What fits beside pages of so many tokens: on a small grid all is less in proportion."""
        tokens = min(self.max_tokens, max(1, int(self.max_pages * page)))
        share = tokens / self.max_tokens
        prototypes = max(1, round(share * self.prototypes))
        return Room(tokens, prototypes, min(int(share * self.buffer_tokens), tokens - prototypes))


def _as_used(frame: WorkFrame) -> Used:
    """The tokens of a frame, each with its share of what is known of the frame."""
    entry = frame.entry
    assert entry.tokens is not None
    tokens = unpacked(entry.tokens)
    count, device = len(tokens), tokens.device
    return Used(
        tokens,
        torch.arange(count, dtype=torch.int32, device=device) if entry.cells is None else entry.cells,
        torch.zeros(count, device=device) if frame.usage is None else frame.usage,
        torch.full((count,), float(frame.life), device=device),
    )
