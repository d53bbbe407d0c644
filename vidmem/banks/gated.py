"""Remember only frames that deserve belief: the memory of SAM2Long, SAMURAI and SAM 3's video model.

All three scan back from the present for the last 15 frames that pass constant thresholds (SAM2Long: arXiv 2410.16268,
3.3; SAMURAI: arXiv 2411.11922, 4.2; SAM 3: its use_memory_selection). Whether a frame passes is known when it is
written, so a ring of the last frames that passed, and the very last frame, is the same without end.

The frame just before is always attended, as the newest, whether it passed or not; where it is a prompt, it is attended
as one, and the newest rank stays empty. Time distance is given up for rank.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vidmem.banks.prompts import PROMPT_SLOT, bounded
from vidmem.values import Entry, Memory, Observation, Page, Pointer

PROMPT_LOGIT = 10.0  # the object score a prompt counts with in the modulation (SAM2Long)


@dataclass(frozen=True, eq=False)
class GatedState:
    step: int = 0  # frames seen so far; the next frame has this number
    prompts: tuple[Entry, ...] = ()  # in the order they were given
    passed: tuple[Entry, ...] = ()  # tracked frames that passed, oldest first; the newest few have tokens
    last: Entry | None = None  # the frame just before, where it was tracked, passed or not
    recent: tuple[Entry, ...] = ()  # the last tracked frames without tokens, oldest first, passed or not


@dataclass(frozen=True)
class Gated:
    """The prompts and the last frames believed in."""

    min_pred_iou: float = -1.0  # a frame passes above each of these. SAM2Long 0.3 (paper), SAMURAI 0.5
    min_object_score_logit: float = -math.inf  # SAM2Long, SAMURAI 0.0
    min_motion_iou: float = -math.inf  # SAMURAI 0.0; a frame without motion passes
    min_frame_score: float = -math.inf  # SAM 3 0.01: pred_iou x (2 sigmoid(logit) - 1), 0 when absent
    frames: int = 6  # tracked pages attended
    limit: int = 15  # frames that passed are looked for until there are so many: max_obj_ptrs_in_encoder - 1
    pointers: str = "passed"  # "passed": by rank, of frames that passed (SAM2Long, SAM 3); "recent": of all (SAMURAI)
    drop_oldest_pointer: bool = False  # SAM2Long and SAM 3 stop one short of the oldest (sam2_base.py:624); for parity
    skip_first: bool = False  # SAMURAI scans from frame 2 on (sam2_base.py:666), the first is soon gone; for parity
    modulation: tuple[float, float] = (1.0, 1.0)  # SAM2Long (0.95, 1.05): keys scaled by rank of the object score
    max_prompts: int = 4  # prompts attended: the first and the newest; 0 for all, without bound
    pointer_span: float = 15.0  # SAM 2: min(frames of the clip, 16) - 1; a stream has no end, hence 15

    def __post_init__(self) -> None:
        object.__setattr__(self, "modulation", tuple(self.modulation))  # a card gives a list
        if self.pointers not in ("passed", "recent"):
            raise ValueError(f"gated.pointers must be 'passed' or 'recent'; got {self.pointers!r}.")
        if not 1 <= self.frames <= PROMPT_SLOT or self.limit < self.frames or len(self.modulation) != 2:
            raise ValueError(
                f"gated.frames must be 1 to {PROMPT_SLOT}, limit at least as many, modulation two numbers; got "
                f"{self.frames}, {self.limit}, {self.modulation}."
            )
        if self.max_prompts < 0 or self.pointer_span <= 0:
            raise ValueError(
                f"gated.max_prompts must be 0 or more and pointer_span above 0; got {self.max_prompts}, "
                f"{self.pointer_span}."
            )

    def start(self) -> GatedState:
        return GatedState()

    def read(self, state: GatedState) -> Memory | None:
        if not state.prompts and not state.passed and state.last is None:
            return None
        now = state.step
        believed = self._believed(state)
        taken = 1 if state.last is None else 0  # the newest rank, by a prompt
        pages = [(entry, PROMPT_SLOT) for entry in state.prompts]
        newest = _last(believed, self.frames - taken)
        pages += [(entry, len(newest) - 1 - place + taken) for place, entry in enumerate(newest)]
        pointers = [(entry, float(now - entry.step)) for entry in state.prompts]
        if self.pointers == "recent":
            pointers += [(entry, float(now - entry.step)) for entry in reversed(state.recent)]
        else:
            told = believed[1:] if self.drop_oldest_pointer else believed
            told = reversed(_last(told, self.limit - taken))
            pointers += [(entry, float(rank)) for rank, entry in enumerate(told, start=1 + taken)]
        spread = self.modulation if len(pages) > 1 else (1.0, 1.0)  # a page alone is left as it is, its pointer too
        page_scales = _scales([entry for entry, _ in pages], *spread)
        pointer_scales = _scales([entry for entry, _ in pointers], *spread)
        return Memory(
            tuple(Page(entry, slot, scale) for (entry, slot), scale in zip(pages, page_scales, strict=True)),
            tuple(Pointer(entry, at, scale) for (entry, at), scale in zip(pointers, pointer_scales, strict=True)),
            self.pointer_span,
        )

    def write(self, state: GatedState, seen: Observation) -> GatedState:
        new = replace(seen.remember(), step=state.step)
        after = replace(state, step=state.step + 1, last=None)
        if new.prompted:
            recent = tuple(entry for entry in state.recent if entry.step > new.step - self.limit)
            return replace(after, prompts=bounded((*state.prompts, new), self.max_prompts), recent=recent)
        recent = tuple(entry for entry in (*state.recent, new.without_tokens()) if entry.step > new.step - self.limit)
        after = replace(after, last=new, recent=recent if self.pointers == "recent" else ())
        if not self._passes(seen) or (self.skip_first and new.step == 1):
            return after
        passed = (*state.passed, new)[-self.limit :]
        worn = tuple(entry.without_tokens() for entry in passed[: -self.frames])
        return replace(after, passed=(*worn, *passed[-self.frames :]))

    def _believed(self, state: GatedState) -> tuple[Entry, ...]:
        """What passed, oldest first, and the frame just before as the newest."""
        last = state.last
        if last is None or (state.passed and state.passed[-1].step == last.step):
            return state.passed
        return (*state.passed, last)

    def _passes(self, seen: Observation) -> bool:
        guess = seen.guess
        logit = guess.object_score_logit
        frame_score = guess.pred_iou * (2 / (1 + math.exp(-logit)) - 1) if logit > 0 else 0.0
        return (
            guess.pred_iou > self.min_pred_iou
            and logit > self.min_object_score_logit
            and (seen.motion_iou is None or seen.motion_iou > self.min_motion_iou)
            and frame_score > self.min_frame_score
        )


def _last(entries: tuple[Entry, ...], count: int) -> tuple[Entry, ...]:
    return entries[max(0, len(entries) - count) :]


def _scales(entries: Sequence[Entry], low: float, high: float) -> list[float]:
    """How much each key counts: evenly spread from low to high, by rank of the object score (SAM2Long, eq. 5)."""
    logits = [PROMPT_LOGIT if entry.prompted else entry.object_score_logit for entry in entries]
    scales = [low] * len(entries)
    for rank, place in enumerate(sorted(range(len(entries)), key=logits.__getitem__)):
        scales[place] = low + (high - low) * rank / max(1, len(entries) - 1)
    return scales
