"""The solver of target models against its definition, and autograd."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vidmem.errors import UsageError
from vidmem.targets.codings.labels import balance, decoded, encoded, finer, normalised
from vidmem.targets.solver import Problem, descend, gradient_of, loss_of, product_with, residuals

pytestmark = pytest.mark.usefixtures("one_thread")

N, C, K, SIDE = 3, 5, 4, 6


def problem_of(seed: int, held: bool = False, frozen: Tensor | None = None, samples: int = N) -> Problem:
    dice = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=dice)

    return Problem(
        draw(samples, C, SIDE, SIDE),
        draw(samples, K, SIDE, SIDE),
        draw(samples, K, SIDE, SIDE).abs(),
        decay=0.1,
        strength=draw(K, C, 3, 3).abs() if held else None,
        anchor=draw(K, C, 3, 3) if held else None,
        frozen=frozen,
    )


def filter_of(seed: int) -> Tensor:
    return torch.randn(K, C, 3, 3, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("held", [False, True])
def test_the_gradient_is_that_of_autograd(held):
    problem, filter = problem_of(1, held), filter_of(2).requires_grad_()
    (expected,) = torch.autograd.grad(loss_of(problem, filter) / 2, filter)
    found = gradient_of(problem, filter.detach())
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("held", [False, True])
def test_the_product_with_a_direction_is_that_of_autograd(held):
    problem, filter, direction = problem_of(3, held), filter_of(4), filter_of(5)

    def flat(at: Tensor) -> Tensor:
        return torch.cat([part.flatten() for part in residuals(problem, at) if part is not None])

    expected = torch.func.jvp(flat, (filter,), (direction,))[1]
    found = torch.cat([part.flatten() for part in product_with(problem, direction) if part is not None])
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


@given(seed=st.integers(0, 10_000), held=st.booleans(), share=st.sampled_from([0.0, 0.3, 0.9]))
@settings(max_examples=30, deadline=None)
def test_the_loss_falls_with_every_step(seed, held, share):
    frozen = torch.rand(K, C, 3, 3, generator=torch.Generator().manual_seed(seed)) < share
    fitted = descend(problem_of(seed, held, frozen), filter_of(seed + 1), 12)
    losses = [float(each) for each in fitted.losses]
    assert all(later <= earlier * (1 + 1e-5) for earlier, later in pairwise(losses))
    assert losses[-1] < losses[0]


def test_many_steps_reach_the_solution_of_the_normal_equations():
    problem = replace(problem_of(6, samples=2), decay=3.0)  # well conditioned, or it would take thousands of steps
    basis = torch.eye(K * C * 9).view(-1, K, C, 3, 3)
    columns = torch.stack([torch.cat([p.flatten() for p in product_with(problem, b)[:2]]) for b in basis], dim=1)
    zero = torch.zeros(K, C, 3, 3)
    wanted = torch.cat([part.flatten() for part in residuals(problem, zero)[:2]])
    exact = torch.linalg.lstsq(columns.double(), -wanted.double()[:, None]).solution.view(K, C, 3, 3).float()
    found = descend(problem, zero, 300)
    assert float(found.losses[-1]) == pytest.approx(float(loss_of(problem, exact)), rel=1e-4)


def test_the_losses_told_on_the_way_are_those_of_the_filter_reached():
    problem = problem_of(7, held=True)
    fitted = descend(problem, filter_of(8), 9)
    assert float(fitted.losses[-1]) == pytest.approx(float(loss_of(problem, fitted.filter)), rel=1e-4)


def test_a_sample_weight_enters_the_loss_squared():
    problem, zero = problem_of(9), torch.zeros(K, C, 3, 3)
    heavy = Problem(problem.features, problem.labels, 3 * problem.weights, problem.decay)
    assert float(loss_of(heavy, zero)) == pytest.approx(9 * float(loss_of(problem, zero)), rel=1e-5)


def test_all_gates_closed_leave_every_bit_as_it_was():
    start = filter_of(11)
    fitted = descend(problem_of(10, frozen=torch.ones(K, C, 3, 3, dtype=torch.bool)), start, 5)
    assert torch.equal(fitted.filter, start)


def test_all_gates_open_are_the_same_as_none():
    start = filter_of(13)
    none = torch.zeros(K, C, 3, 3, dtype=torch.bool)
    gated, free = descend(problem_of(12, frozen=none), start, 5), descend(problem_of(12), start, 5)
    assert torch.equal(gated.filter, free.filter)


def test_frozen_parameters_keep_their_bits_and_the_others_move():
    start, frozen = filter_of(15), torch.rand(K, C, 3, 3) < 0.5
    fitted = descend(problem_of(14, frozen=frozen), start, 5)
    assert torch.equal(fitted.filter[frozen], start[frozen])
    assert (fitted.filter[~frozen] != start[~frozen]).float().mean() > 0.99


def test_a_filter_that_fits_exactly_stays():
    problem = Problem(torch.randn(2, C, SIDE, SIDE), torch.zeros(2, K, SIDE, SIDE), torch.ones(1), decay=0.1)
    fitted = descend(problem, torch.zeros(K, C, 3, 3), 4)
    assert not fitted.filter.any() and all(float(each) == 0 for each in fitted.losses)


def test_a_mask_comes_back_from_its_channels():
    mask = torch.rand(24, 16)
    label = encoded(mask, (6, 4))
    assert label.shape == (16, 6, 4) and torch.equal(decoded(label), mask)


def test_masks_that_do_not_fit_the_features_are_refused():
    assert finer((6, 4), (24, 16)) == 4
    for mask in ((25, 16), (24, 20), (3, 2)):
        with pytest.raises(UsageError, match="no whole multiple"):
            finer((6, 4), mask)


def test_features_have_one_length_whatever_came():
    for scale in (0.01, 1.0, 300.0):
        seen = normalised(scale * torch.randn(1, C, SIDE, SIDE) + 5)
        assert float(seen.square().sum()) == pytest.approx(SIDE * SIDE / 9, rel=1e-2)
        assert seen.mean((1, 2)).abs().max() < 1e-5
    assert torch.isfinite(normalised(torch.zeros(1, C, SIDE, SIDE))).all()


@given(inside=st.integers(1, 30), share=st.sampled_from([0.25, 0.5]))
@settings(max_examples=20, deadline=None)
def test_the_object_gets_its_share_of_the_loss_however_small_it_is(inside, share):
    label = torch.zeros(1, SIDE, SIDE)
    label.view(-1)[:inside] = 1.0
    squared = balance(label, share).square()
    assert float((squared * label).sum() / squared.sum()) == pytest.approx(share, rel=1e-4)
    assert float(squared.mean()) == pytest.approx(1.0, rel=1e-4)
