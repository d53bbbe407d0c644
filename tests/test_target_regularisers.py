"""What keeps a target model from forgetting."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vidmem import states
from vidmem.targets.regularisers import regularisers
from vidmem.targets.regularisers.gates import most_important, packed, union
from vidmem.targets.regularisers.grcl import Gates, Grcl
from vidmem.targets.solver import Fitted, Problem, descend

pytestmark = pytest.mark.usefixtures("one_thread")

SHAPE = (4, 5, 3, 3)  # 180 parameters


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def fit(regulariser, kept, filter: Tensor, seed: int, steps: int = 4) -> tuple[Any, Fitted]:
    """A fit to samples of its own, held by the regulariser, which then learns from it."""
    hold = regulariser.hold(kept, filter)
    features, labels = drawn(seed, 2, 5, 6, 6), drawn(seed + 500, 2, 4, 6, 6)
    problem = Problem(features, labels, torch.ones(1), 0.1, hold.strength, hold.anchor, hold.frozen)
    fitted = descend(problem, filter, steps)
    return regulariser.learn(kept, fitted), fitted


@pytest.fixture(params=list(regularisers))
def regulariser(request):
    return regularisers[request.param]()


def test_learning_leaves_the_old_state_as_it_was(regulariser):
    kept, fitted = fit(regulariser, regulariser.start(), torch.zeros(SHAPE), 1)
    before = regulariser.hold(kept, fitted.filter)
    fit(regulariser, kept, fitted.filter, 2)
    after = regulariser.hold(kept, fitted.filter)
    for one, other in ((before.frozen, after.frozen), (before.strength, after.strength), (before.anchor, after.anchor)):
        assert (one is None) == (other is None) and (one is None or torch.equal(one, other))


def test_bytes_are_flat_however_many_fits_there_were(regulariser):
    kept, filter, sizes = regulariser.start(), torch.zeros(SHAPE), []
    for number in range(60):
        kept, fitted = fit(regulariser, kept, filter, number, 1)
        filter = fitted.filter
        sizes.append(states.nbytes(kept))
    assert max(sizes[30:]) == sizes[25]


def test_a_saved_state_holds_the_same(regulariser, tmp_path):
    kept, fitted = fit(regulariser, regulariser.start(), torch.zeros(SHAPE), 3)
    states.save((kept,), tmp_path / "kept.vmem")
    (again,), _ = states.load(tmp_path / "kept.vmem")
    one, other = regulariser.hold(kept, fitted.filter), regulariser.hold(again, fitted.filter)
    assert one.share == other.share
    assert one.strength is None or torch.equal(one.strength, other.strength)


@pytest.mark.parametrize("name", ["anchor", "importance"])
def test_the_stronger_the_pull_the_less_the_filter_moves(name):
    moved = []
    for strength in (0.0, 10.0, 1e6):
        regulariser = regularisers[name](strength=strength)
        kept, first = fit(regulariser, regulariser.start(), torch.zeros(SHAPE), 4)
        _, second = fit(regulariser, kept, first.filter, 5, 30)
        moved.append(float((second.filter - first.filter).norm()))
    assert moved[0] > moved[1] > moved[2]


def test_importance_holds_back_what_mattered_more_than_what_did_not():
    regulariser = regularisers["importance"](strength=1e3)
    gradient = torch.zeros(SHAPE)
    gradient[0] = 1.0
    kept = regulariser.learn(regulariser.start(), Fitted(torch.zeros(SHAPE), (), gradient))
    _, fitted = fit(regulariser, kept, torch.zeros(SHAPE), 6, 60)
    assert fitted.filter[0].abs().mean() < 0.1 * fitted.filter[1:].abs().mean()


@given(bits=st.lists(st.booleans(), min_size=1, max_size=70), seed=st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_gates_are_bits_and_come_back_joined(bits, seed):
    one = torch.tensor(bits)
    other = torch.rand(len(bits), generator=torch.Generator().manual_seed(seed)) < 0.3
    assert packed(one).numel() == -(-len(bits) // 8) and packed(one).dtype == torch.uint8
    assert torch.equal(union([packed(one)], one.shape), one)
    assert torch.equal(union([packed(one), packed(other)], one.shape), one | other)


def test_as_many_gates_close_as_the_share_says_the_most_important():
    importance = drawn(7, *SHAPE).abs()
    gates = most_important(importance, 0.1)
    assert int(gates.sum()) == 18 and importance[gates].min() >= importance[~gates].max()
    assert not most_important(torch.zeros(SHAPE), 0.1).any()


def test_grcl_freezes_to_the_bit_what_earlier_fits_turned_on():
    regulariser = Grcl(share=0.1)
    kept, first = fit(regulariser, regulariser.start(), torch.zeros(SHAPE), 8)
    closed = regulariser.hold(kept, first.filter).frozen
    assert closed is not None and int(closed.sum()) == 18
    assert torch.equal(closed, most_important(first.gradient, 0.1))
    _, second = fit(regulariser, kept, first.filter, 9)
    assert torch.equal(second.filter[closed], first.filter[closed]) and not torch.equal(second.filter, first.filter)


def test_grcl_with_every_gate_closed_leaves_the_filter_and_with_none_is_the_base():
    start = drawn(10, *SHAPE)
    kept = Grcl(share=1.0).learn(Gates(), Fitted(start, (), drawn(11, *SHAPE).abs()))
    assert torch.equal(fit(Grcl(share=1.0), kept, start, 12)[1].filter, start)
    none = Grcl(share=0.0).learn(Gates(), Fitted(start, (), drawn(11, *SHAPE).abs()))
    base = regularisers["none"]()
    assert torch.equal(fit(Grcl(share=0.0), none, start, 12)[1].filter, fit(base, None, start, 12)[1].filter)


def test_the_soft_form_with_a_very_strong_pull_comes_near_to_the_exact_one():
    exact, soft = Grcl(share=0.2), Grcl(share=0.2, strength=1e7)
    start = torch.zeros(SHAPE)
    kept, first = fit(exact, exact.start(), start, 13)
    frozen = exact.hold(kept, first.filter).frozen
    _, pulled = fit(soft, kept, first.filter, 14, 10)
    assert (pulled.filter - first.filter)[frozen].abs().max() < 1e-4


def test_the_share_frozen_is_bounded_by_how_many_maps_are_kept():
    regulariser = Grcl(share=0.05, keep=4)
    kept, filter = regulariser.start(), torch.zeros(SHAPE)
    for number in range(12):
        kept, fitted = fit(regulariser, kept, filter, 20 + number)
        filter = fitted.filter
        assert regulariser.hold(kept, filter).share <= min(number + 1, 4) * 0.05 + 1e-9
    assert len(kept.maps) == 4


def test_filters_of_the_published_size_have_gates_of_the_published_bytes():
    gates = torch.zeros(16, 512, 3, 3, dtype=torch.bool)
    assert packed(gates).numel() == 9216
