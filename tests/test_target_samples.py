"""Which frames a target model learns from, and how much they count."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vidmem.targets.samples import Sample, samples
from vidmem.targets.samples.lasso import non_negative_lasso
from vidmem.targets.samples.lwl import Lwl
from vidmem.targets.samples.rmscl import Rmscl

pytestmark = pytest.mark.usefixtures("one_thread")

C, SIDE = 4, 4


def look(seed: int) -> torch.Tensor:
    return torch.randn(C, SIDE, SIDE, generator=torch.Generator().manual_seed(seed)).half()


def sample(frame: int, prompted: bool = False, seed: int | None = None) -> Sample:
    return Sample(
        frame,
        frame,
        look(frame if seed is None else seed),
        torch.zeros(1, SIDE, SIDE),
        torch.ones(1, SIDE, SIDE),
        prompted,
    )


@pytest.fixture(params=list(samples))
def memory(request):
    return samples[request.param](limit=8, max_prompts=2)


def filled(memory, frames: int, prompts: tuple[int, ...] = (0,)) -> tuple[Sample, ...]:
    kept: tuple[Sample, ...] = ()
    for frame in range(frames):
        kept = memory.keep(kept, sample(frame, frame in prompts))
    return kept


def test_the_truth_is_never_dropped_and_the_bound_holds(memory):
    for frames in (1, 5, 8, 9, 60):
        kept = filled(memory, frames)
        assert len(kept) == min(frames, 8) and kept[0].frame == 0 and kept[0].prompted
        assert [each.frame for each in kept] == sorted(each.frame for each in kept)
        assert kept[-1].frame == frames - 1


def test_of_many_prompts_the_first_and_the_newest_stay(memory):
    kept = filled(memory, 50, (0, 10, 20, 30))
    assert [each.frame for each in kept if each.prompted] == [0, 30] and len(kept) == 8


def test_the_truth_always_counts(memory):
    for frames in (1, 2, 12, 40):
        kept = filled(memory, frames)
        weights = memory.weigh(kept, look(999))
        assert len(weights) == len(kept) and weights[0] > 0 and min(weights) >= 0


def test_a_memory_too_small_for_its_prompts_is_refused():
    for name in samples:
        with pytest.raises(ValueError, match=f"{name}.limit must be 2 or more"):
            samples[name](limit=4, max_prompts=4)


def weights_after(updates: int) -> list[float]:
    kept = Lwl(limit=32).keep((), sample(0, prompted=True))
    for frame in range(1, updates + 1):
        kept = Lwl(limit=32).keep(kept, sample(frame))
    return [each.weight for each in kept]


def test_lwl_weights_are_those_of_the_published_recurrence():
    assert weights_after(1) == pytest.approx([0.91743, 0.08257], abs=1e-5)
    assert weights_after(2)[0] == pytest.approx(0.84034, abs=1e-5)
    assert weights_after(2)[-1] == pytest.approx(0.08403, abs=1e-5)
    assert weights_after(10)[0] == pytest.approx(0.39792, abs=1e-5)
    assert weights_after(12)[0] == pytest.approx(0.32701, abs=1e-5)


def test_lwl_floor_begins_at_the_fifteenth_update_and_stays():
    assert weights_after(14)[0] > 0.25
    for updates in (15, 31, 100, 400):
        weights = weights_after(updates)
        assert weights[0] == pytest.approx(0.25, abs=1e-12) and len(weights) == min(updates + 1, 32)
    assert sum(weights_after(400)) == pytest.approx(1.005, abs=2e-3)
    assert weights_after(400)[-1] == pytest.approx(0.078495, abs=1e-5)


def test_lwl_weights_equal_a_literal_transcription_over_slots():
    slots, count, latest = np.zeros(32), 1, None
    slots[0] = 1.0
    kept = Lwl(limit=32).keep((), sample(0, prompted=True))
    for frame in range(1, 80):
        place = count if count < 32 else 1 + int(slots[1:].argmin())
        if latest is None:
            slots /= 0.9
            slots[place] = 0.1
        else:
            slots[place] = slots[latest] / 0.9
        slots /= slots.sum()
        if slots[0] < 0.25:
            slots /= 0.25 + slots[1:].sum()
            slots[0] = 0.25
        latest, count = place, min(count + 1, 32)
        kept = Lwl(limit=32).keep(kept, sample(frame))
        assert sorted(each.weight for each in kept) == pytest.approx(sorted(slots[:count]), abs=1e-12)


@given(seed=st.integers(0, 10_000), count=st.integers(1, 12), penalty=st.floats(0.01, 0.8))
@settings(max_examples=60, deadline=None)
def test_the_lasso_meets_its_conditions_of_optimality(seed, count, penalty):
    dice = np.random.default_rng(seed)
    columns, wanted, ridge = np.abs(dice.normal(size=(20, count))), np.abs(dice.normal(size=20)), 1e-6
    columns /= np.linalg.norm(columns, axis=0)
    wanted /= np.linalg.norm(wanted)
    psi = non_negative_lasso(columns, wanted, penalty, ridge, sweeps=20_000, rest=1e-12)
    slope = columns.T @ (columns @ psi - wanted) + penalty + ridge * psi  # of the smooth part and the penalty
    assert (psi >= 0).all()
    assert np.abs(slope[psi > 0]).max(initial=0) < 1e-7
    assert slope[psi == 0].min(initial=0) > -1e-7


def test_the_lasso_picks_the_column_that_is_wanted_alone():
    columns = np.linalg.qr(np.random.default_rng(1).normal(size=(16, 6)))[0]
    psi = non_negative_lasso(columns, columns[:, 4], 0.05)
    assert np.flatnonzero(psi).tolist() == [4] and psi[4] == pytest.approx(0.95, abs=1e-5)


def test_the_lasso_ends_on_columns_that_are_all_the_same():
    psi = non_negative_lasso(np.ones((9, 5)) / 3, np.ones(9) / 3, 0.1)
    assert psi.sum() == pytest.approx(0.9, abs=1e-3) and (psi >= 0).all()


def test_rmscl_works_with_the_sample_that_looks_like_the_present():
    memory = Rmscl(limit=12, penalty=0.3)
    kept = memory.keep((), sample(0, prompted=True))
    for frame in range(1, 12):
        kept = memory.keep(kept, sample(frame))
    weights = memory.weigh(kept, look(5))
    assert np.argmax(weights[1:]) + 1 == 5
    assert sum(weights) == pytest.approx(1.0) and weights[0] >= 0.25 - 1e-9


def test_rmscl_lets_some_samples_rest_and_more_so_with_a_greater_penalty():
    kept = filled(Rmscl(limit=32), 32)
    active = [sum(w > 0 for w in Rmscl(limit=32, penalty=p).weigh(kept, look(500))) for p in (0.01, 0.3, 0.9)]
    assert active[0] >= active[1] >= active[2] >= 2 and active[2] < 32


def test_rmscl_learns_from_the_nearest_where_nothing_is_picked():
    memory = Rmscl(limit=8, penalty=0.999)
    kept = filled(memory, 8)
    weights = memory.weigh(kept, kept[0].features)
    assert weights[0] > 0 and sum(weight > 0 for weight in weights) == 2
