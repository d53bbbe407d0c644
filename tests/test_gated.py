"""The gated memory, written once and bounded, is what its papers find by scanning back through all of the past."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observations import observe

from vidmem import states
from vidmem.banks.gated import Gated

SAMURAI = Gated(min_pred_iou=0.5, min_object_score_logit=0.0, min_motion_iou=0.0, pointers="recent", max_prompts=0)
SAM2LONG = Gated(min_pred_iou=0.3, min_object_score_logit=0.0, modulation=(0.95, 1.05), max_prompts=0)
SAM3 = Gated(min_frame_score=0.01, max_prompts=0)


@dataclass(frozen=True)
class Seen:
    """A frame as its scores tell it; the values stand on the thresholds and to both sides of them."""

    prompted: bool
    pred_iou: float
    logit: float
    motion_iou: float | None


scores = st.builds(
    Seen,
    st.booleans() | st.just(False) | st.just(False),
    st.sampled_from([0.0, 0.005, 0.3, 0.30001, 0.5, 0.50001, 0.9, 1.0]),
    st.sampled_from([-9.0, -0.5, 0.0, 1e-6, 0.02, 0.5, 5.0, 12.0]),
    st.sampled_from([None, None, 0.0, 1e-9, 0.6]),
)
prompt = Seen(True, 0.8, 3.0, None)


@dataclass(frozen=True)
class Scan:
    """What a paper's reference attends, from the whole past. Frames are counted from the first prompt."""

    passes: Callable[[Seen], bool]  # whether a frame is looked for
    first: int = 1  # the oldest frame ever looked at
    by_rank: bool = True  # whether pointers are those that were found, by rank; else of all frames, by distance
    one_short: bool = False
    spread: tuple[float, float] = (1.0, 1.0)

    def attends(self, past: list[Seen]):
        """Pages as (frame, slot, scale), then pointers as (frame, position, scale)."""
        now = len(past)
        prompts = [frame for frame in range(now) if past[frame].prompted]
        found: list[int] = []
        for frame in range(now - 1, self.first - 1, -1):
            if not past[frame].prompted and self.passes(past[frame]):
                found.insert(0, frame)
            if len(found) >= 15:
                break
        if now - 1 not in found:
            found.append(now - 1)
        pages = [(frame, 6) for frame in prompts]
        for back in range(6, 0, -1):
            if back <= len(found) and found[-back] not in prompts:
                pages.append((found[-back], back - 1))
        pointers = [(frame, now - frame) for frame in prompts]
        for back in range(1, 16):
            if self.by_rank:
                if back >= len(found) + (0 if self.one_short else 1):
                    break
                frame = found[-back]
            else:
                frame = now - back
            if frame >= 0 and frame not in prompts:
                pointers.append((frame, back))
        if len(pages) == 1:
            return [(*page, 1.0) for page in pages], [(*pointer, 1.0) for pointer in pointers]
        return self._scaled(past, pages), self._scaled(past, pointers)

    def _scaled(self, past: list[Seen], told: list[tuple[int, int]]):
        logits = [10.0 if past[frame].prompted else past[frame].logit for frame, _ in told]
        weights, (low, high) = [0.0] * len(told), self.spread
        for rank, place in enumerate(sorted(range(len(told)), key=lambda each: logits[each])):
            weights[place] = low if len(told) == 1 else low + (high - low) * rank / (len(told) - 1)
        return [(*each, weight) for each, weight in zip(told, weights, strict=True)]


def samurai(seen: Seen) -> bool:
    return seen.pred_iou > 0.5 and seen.logit > 0 and (seen.motion_iou is None or seen.motion_iou > 0)


def sam2long(seen: Seen) -> bool:
    return seen.pred_iou > 0.3 and seen.logit > 0


def sam3(seen: Seen) -> bool:
    present = 2 / (1 + math.exp(-seen.logit)) - 1 if seen.logit > 0 else 0
    return present * seen.pred_iou > 0.01


def told(memory):
    """What a memory makes the model attend."""
    pages = [(page.entry.frame, page.slot, page.key_scale) for page in memory.pages]
    return pages, [(pointer.entry.frame, pointer.position, pointer.key_scale) for pointer in memory.pointers]


def write(bank: Gated, state, frame: int, seen: Seen):
    return bank.write(state, observe(frame, seen.prompted, seen.pred_iou, seen.logit, motion_iou=seen.motion_iou))


@pytest.mark.parametrize(
    ("bank", "scan"),
    [
        (SAMURAI, Scan(samurai, by_rank=False)),
        (replace(SAMURAI, skip_first=True), Scan(samurai, first=2, by_rank=False)),
        (SAM2LONG, Scan(sam2long, spread=(0.95, 1.05))),
        (replace(SAM2LONG, drop_oldest_pointer=True), Scan(sam2long, one_short=True, spread=(0.95, 1.05))),
        (SAM3, Scan(sam3)),
        (replace(SAM3, drop_oldest_pointer=True), Scan(sam3, one_short=True)),
    ],
    ids=["samurai", "samurai-reference", "sam2long", "sam2long-reference", "sam3", "sam3-reference"],
)
def test_the_ring_attends_what_the_scan_through_the_whole_past_finds(bank, scan):
    @settings(max_examples=500, deadline=None)
    @given(st.lists(scores, max_size=60))
    def compare(later):
        past: list[Seen] = []
        state = bank.start()
        for frame, seen in enumerate([prompt, *later]):
            state = write(bank, state, frame, seen)
            past.append(seen)
            memory = bank.read(state)
            assert memory is not None and told(memory) == scan.attends(past)
            assert all(page.entry.tokens is not None for page in memory.pages)

    compare()


@settings(max_examples=500, deadline=None)
@given(st.lists(scores, min_size=1, max_size=80))
def test_what_is_kept_has_a_bound_however_long_the_past(later):
    bank = replace(SAMURAI, max_prompts=4)
    state = write(bank, bank.start(), 0, prompt)
    for frame, seen in enumerate(later, start=1):
        state = write(bank, state, frame, seen)
    assert len(state.passed) <= 15 and len(state.recent) <= 15 and len(state.prompts) <= 4
    pages = sum(1 for each in states.tensors(state) if each.ndim == 2)
    assert pages <= 4 + 6 + 1


def test_without_a_believed_frame_the_prompt_and_the_frame_just_before_are_attended():
    bank = replace(SAMURAI, max_prompts=4)
    state = write(bank, bank.start(), 0, prompt)
    for frame in range(1, 50):
        state = write(bank, state, frame, Seen(False, 0.2, 5.0, None))
    memory = bank.read(state)
    assert memory is not None and [page[:2] for page in told(memory)[0]] == [(0, 6), (49, 0)]


def test_a_frame_that_left_the_expected_place_is_not_believed():
    bank = replace(SAMURAI, max_prompts=4)
    state = write(bank, bank.start(), 0, prompt)
    for frame, motion_iou in enumerate([None, 0.5, 0.0, 0.4], start=1):
        state = write(bank, state, frame, Seen(False, 0.9, 5.0, motion_iou))
    assert [entry.frame for entry in state.passed] == [1, 2, 4]


@pytest.mark.parametrize(
    "options",
    [{"frames": 0}, {"frames": 7}, {"limit": 5}, {"modulation": (1.0,)}, {"pointers": "all"}, {"pointer_span": 0.0}],
)
def test_a_gate_that_cannot_be_is_refused(options: dict[str, Any]):
    with pytest.raises(ValueError, match=next(iter(options))):
        Gated(**options)
