"""DAM4SAM (arXiv 2411.17576): remember what the object looks like now, and the frames that tell it from its doubles.

Two memories share SAM 2's slots. The recent one holds the frame just before and older ones on a grid of every fifth,
only where the object was visible. The other holds frames in which something else could have been taken for the object
and was not; they are attended like prompts, without a place in time.

The reference keeps every frame and picks when it reads. What it can pick is known when a frame is written, so a
few frames are the same without end: the newest visible one, those on the grid, the last that showed a distractor; eight
beside the prompts at the most. (d4sm, its successor for many objects, keeps six by another rule of writing.) Frames are
counted from the object's first prompt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median

from vidmem.banks.distractor_rule import Measured, measure, usual_areas
from vidmem.banks.prompts import PROMPT_SLOT, bounded
from vidmem.values import Entry, Memory, Observation, Page, Pointer


@dataclass(frozen=True, eq=False)
class DistractorState:
    step: int = 0  # frames seen so far; the next frame has this number
    prompts: tuple[Entry, ...] = ()  # in the order they were given
    distractors: tuple[Entry, ...] = ()  # frames that showed a distractor, oldest first
    visible: Entry | None = None  # the newest visible frame that is neither prompted nor a distractor's
    on_grid: tuple[Entry, ...] = ()  # visible frames on the grid, oldest first
    pointers: tuple[Entry, ...] = ()  # visible frames without tokens, oldest first
    areas: tuple[tuple[int, int], ...] = ()  # step and pixels of the last frames that had some, oldest first


@dataclass(frozen=True)
class Distractor:
    """The prompts, recent frames on a grid, and the frames that showed a distractor.

    "DAM4SAM" below is what its authors published beside the paper (github.com/jovanavidenovic/DAM4SAM, 9c95450).
    """

    frames: int = 6  # recent pages; each distractor's page takes the place of one. DAM4SAM: num_maskmem 7, less one
    max_distractors: int = 3  # pages of distractors attended. DAM4SAM: max_cond_frames_in_attn 4, less the first frame
    stride: int = 5  # of the grid. DAM4SAM: memory_temporal_stride_for_eval
    min_pred_iou: float = 0.8  # a frame shows a distractor only above this (DAM4SAM)
    min_area_ratio: float = 0.8  # and if its area is at least so much of the usual one (DAM4SAM)
    max_area_ratio: float = 1.2  # and at most so much
    usual_frames: int = 10  # the usual area is the median of so many frames, this one included (DAM4SAM)
    usual_reach: int = 300  # among so many, those without a pixel left out (DAM4SAM)
    min_distance: int = 5  # frames there must be at least between two that are kept for a distractor (DAM4SAM)
    max_box_overlap: float = 0.7  # and if a rival enlarges the box so much that its IoU falls to this (DAM4SAM)
    pointers: int = 15  # DAM4SAM: max_obj_ptrs_in_encoder 16, the present frame among them
    max_prompts: int = 4  # prompts attended: the first and the newest; 0 for all, without bound
    pointer_span: float = 15.0  # SAM 2: min(frames of the clip, 16) - 1; a stream has no end, hence 15
    growing_span: bool = False  # DAM4SAM knows only the frames that came: at most their number less one; for parity

    def __post_init__(self) -> None:
        if not 0 <= self.max_distractors < self.frames <= PROMPT_SLOT:
            raise ValueError(
                f"distractor.frames must be 1 to {PROMPT_SLOT} and max_distractors less; got {self.frames}, "
                f"{self.max_distractors}."
            )
        if self.stride < 1 or self.usual_frames < 1 or self.usual_reach < 1:
            raise ValueError(
                "distractor.stride, usual_frames and usual_reach must be 1 or more; got "
                f"{self.stride}, {self.usual_frames}, {self.usual_reach}."
            )
        if self.pointers < 0 or self.max_prompts < 0 or self.min_distance < 0 or self.pointer_span <= 0:
            raise ValueError(
                "distractor.pointers, max_prompts and min_distance must be 0 or more, pointer_span above 0; got "
                f"{self.pointers}, {self.max_prompts}, {self.min_distance}, {self.pointer_span}."
            )

    def start(self) -> DistractorState:
        return DistractorState()

    def read(self, state: DistractorState) -> Memory | None:
        if not (state.prompts or state.visible or state.distractors):
            return None
        now = state.step
        resolved = self._resolved(state)
        recent = self._recent(state, self.frames - len(resolved))
        pinned = (*state.prompts, *resolved)
        told = {entry.step for entry in resolved}
        pointed = (*pinned, *(entry for entry in reversed(state.pointers) if entry.step not in told))
        return Memory(
            pages=(
                *(Page(entry, PROMPT_SLOT) for entry in pinned),
                *(Page(entry, len(recent) - 1 - place) for place, entry in enumerate(recent)),
            ),
            pointers=tuple(Pointer(entry, float(now - entry.step)) for entry in pointed),
            pointer_span=min(self.pointer_span, float(now)) if self.growing_span else self.pointer_span,
        )

    def write(self, state: DistractorState, seen: Observation) -> DistractorState:
        if seen.guess.prompted:
            new = replace(seen.remember(), step=state.step)
            return self._let_go(replace(state, prompts=bounded((*state.prompts, new), self.max_prompts)))
        sure = seen.guess.pred_iou > self.min_pred_iou and self._is_apart(state)
        found = measure(seen, rivals=sure)
        areas = usual_areas(state.areas, state.step, found.area, self.usual_frames, self.usual_reach)
        state = replace(state, areas=areas)
        if not found.visible:
            return self._let_go(state)
        shows_distractor = sure and self._betrays(found, state)
        new = replace(seen.remember(as_prompt=shows_distractor), step=state.step, long_term=shows_distractor)
        state = replace(state, pointers=(*state.pointers, new.without_tokens()))
        if shows_distractor:
            return self._let_go(replace(state, distractors=(*state.distractors, new)))
        on_grid = (*state.on_grid, new) if new.step % self.stride == 0 else state.on_grid
        return self._let_go(replace(state, visible=new, on_grid=on_grid))

    def _let_go(self, state: DistractorState) -> DistractorState:
        """The state behind this frame, without what no later frame can attend."""
        after = replace(state, step=state.step + 1)
        return replace(
            after,
            distractors=after.distractors[-self.max_distractors - 1 :],
            on_grid=after.on_grid[-self.frames + len(self._resolved(after)) :],
            pointers=tuple(entry for entry in after.pointers if entry.step >= after.step - self.pointers),
        )

    def _resolved(self, state: DistractorState) -> tuple[Entry, ...]:
        """The distractors' frames that are attended as such. The frame just before is a recent one yet."""
        older = tuple(entry for entry in state.distractors if entry.step < state.step - 1)
        return older[-self.max_distractors :] if self.max_distractors else ()

    def _recent(self, state: DistractorState, count: int) -> list[Entry]:
        """The newest visible frame and those before it on the grid, oldest first."""
        newest = state.visible
        if state.distractors and state.distractors[-1].step == state.step - 1:
            newest = state.distractors[-1]
        if newest is None:
            return []
        older = [entry for entry in state.on_grid if entry.step < newest.step]
        return [*older[max(0, len(older) - count + 1) :], newest]

    def _is_apart(self, state: DistractorState) -> bool:
        """Whether the last frame kept for a distractor is far enough back."""
        return not state.distractors or state.step - state.distractors[-1].step > self.min_distance

    def _betrays(self, found: Measured, state: DistractorState) -> bool:
        """Whether a visible frame shows a distractor, and the object as large as usual. Its area is among the state's.

        The frame behind the object's first prompt does not: there is no other to compare its area with.
        """
        if not found.area or state.step < 2:
            return False
        ratio = found.area / median(area for _, area in state.areas)
        return self.min_area_ratio <= ratio <= self.max_area_ratio and found.overlap <= self.max_box_overlap
