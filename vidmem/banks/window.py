"""SAM 2's own memory (arXiv 2408.00714, 4): the prompted frames and a window over the last six others.

Reference behaviour, step by step, in numbers that do not grow: pages come from the prompts and the last
`frames` tracked frames, pointers from the prompts and the last `pointers` tracked frames. The window moves by frames
seen, so a stream that drops frames has no holes in its memory; on an unbroken stream both are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from vidmem.banks.prompts import PROMPT_SLOT, bounded
from vidmem.values import Entry, Memory, Observation, Page, Pointer


@dataclass(frozen=True, eq=False)
class WindowState:
    step: int = 0  # frames seen so far; the next frame has this number
    prompts: tuple[Entry, ...] = ()  # in the order they were given
    pages: tuple[Entry, ...] = ()  # tracked frames with tokens, oldest first
    pointers: tuple[Entry, ...] = ()  # tracked frames without tokens, oldest first


@dataclass(frozen=True)
class Window:
    """The prompts and the last few frames."""

    frames: int = 6  # SAM 2: num_maskmem 7, of which one slot is for prompts; 0 for none
    pointers: int = 15  # SAM 2: max_obj_ptrs_in_encoder 16, the present frame among them; 0 for none
    memory_stride: int = 1  # SAM 2: memory_temporal_stride_for_eval; the frame just before is always kept
    max_prompts: int = 4  # prompts attended: the first and the newest; 0 for all, as the reference does, without bound
    pointer_span: float = 15.0  # SAM 2: min(frames of the clip, 16) - 1; a stream has no end, hence 15

    def __post_init__(self) -> None:
        if not 0 <= self.frames <= PROMPT_SLOT:
            raise ValueError(
                f"window.frames must be 0 to {PROMPT_SLOT}, as many slots as SAM 2 learned; got {self.frames}."
            )
        if self.memory_stride < 1 or self.pointers < 0 or self.max_prompts < 0 or self.pointer_span <= 0:
            raise ValueError(
                "window.memory_stride must be 1 or more, pointers and max_prompts 0 or more, pointer_span above 0; got "
                f"{self.memory_stride}, {self.pointers}, {self.max_prompts}, {self.pointer_span}."
            )

    def start(self) -> WindowState:
        return WindowState()

    def read(self, state: WindowState) -> Memory | None:
        if not state.prompts and not state.pages:
            return None
        now = state.step
        return Memory(
            pages=(
                *(Page(entry, PROMPT_SLOT) for entry in state.prompts),
                *(Page(entry, slot) for entry, slot in self._in_slots(state.pages, now)),
            ),
            pointers=(
                *(Pointer(entry, float(now - entry.step)) for entry in state.prompts),
                *(Pointer(entry, float(now - entry.step)) for entry in reversed(state.pointers)),
            ),
            pointer_span=self.pointer_span,
        )

    def write(self, state: WindowState, seen: Observation) -> WindowState:
        if not (seen.guess.prompted or self.frames or self.pointers):
            return replace(state, step=state.step + 1)  # nothing of it would be kept, so it is not encoded
        new = replace(seen.remember(), step=state.step)
        if new.prompted:
            return self._let_go(replace(state, prompts=bounded((*state.prompts, new), self.max_prompts)), new.step)
        on_grid = tuple(entry for entry in state.pages if entry.step % self.memory_stride == 0)
        pointers = (*state.pointers, new.without_tokens())
        return self._let_go(replace(state, pages=(*on_grid, new), pointers=pointers), new.step)

    def _let_go(self, state: WindowState, step: int) -> WindowState:
        """The state behind `step`, without what no later frame can attend."""
        return replace(
            state,
            step=step + 1,
            pages=tuple(entry for entry in state.pages if entry.step > step - self._reach),
            pointers=tuple(entry for entry in state.pointers if entry.step > step - self.pointers),
        )

    @property
    def _reach(self) -> int:
        """How many steps back a page can still be attended from the next frame."""
        return self.frames if self.memory_stride == 1 else (self.frames - 1) * self.memory_stride + 1

    def _in_slots(self, pages: tuple[Entry, ...], now: int) -> list[tuple[Entry, int]]:
        """The pages that are attended, oldest first, with the slot of each (reference: sam2_base.py, 538-562)."""
        newest_on_grid = (now - 2) // self.memory_stride * self.memory_stride
        slot_of = {newest_on_grid - back * self.memory_stride: back + 1 for back in range(self.frames - 1)}
        slot_of[now - 1] = 0
        return [(entry, slot_of[entry.step]) for entry in pages if entry.step in slot_of]
