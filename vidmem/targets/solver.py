"""The few-shot learner of LWL (Bhat et al. 2020, arXiv 2003.11540): Gauss-Newton steepest descent, without autograd.

A target model is one bias-free convolution T over frozen features. With samples n of features x, labels E and spatial
weights W, the residuals are

    r1 = w_n W_n (T(x_n) - E_n)        r2 = lambda T        r3 = sqrt(strength) (T - anchor)

and the loss is the sum of their squares; r3 is what a regulariser adds. A sample weight multiplies the residual, so it
enters the loss squared. T is linear in its parameters, so that one step needs two convolutions: the gradient J'r is a
weight gradient, and J g a convolution with g. The length of a step is exact on a line: |g|^2 / |J g|^2.

[S] Steps, order, safeguards and numbers: pytracking 7eb9e74b, ltr/models/meta/steepestdescent.py and
ltr/models/lwl/{linear_filter,loss_residual_modules}.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_weight

SMALLEST = 1e-8  # |J g|^2 below this counts as this (steepestdescent.py)


@dataclass(frozen=True, eq=False)
class Problem:
    """What the filter is fitted to."""

    features: Tensor  # (N, C, h, w)
    labels: Tensor  # (N, K, h, w)
    weights: Tensor  # (N, K, h, w) or what spreads to it: w_n W_n, on the residual
    decay: float | Tensor = 0.01  # lambda, on the filter. LWL: learned, from .01
    strength: Tensor | None = None  # (K, C, a, a): how much each parameter is pulled to its anchor
    anchor: Tensor | None = None  # (K, C, a, a)
    frozen: Tensor | None = None  # (K, C, a, a) bool: parameters that may not move


@dataclass(frozen=True, eq=False)
class Fitted:
    """A filter after some steps."""

    filter: Tensor  # (K, C, a, a)
    losses: tuple[Tensor, ...]  # before each step and after the last, each a number
    gradient: Tensor  # (K, C, a, a): sum over the steps of |dL/dT|, up to a factor of two; frozen parameters too


def respond(features: Tensor, filter: Tensor) -> Tensor:
    """(N, K, h, w): what the filter says of features (N, C, h, w)."""
    return F.conv2d(features, filter, padding=filter.shape[-1] // 2)


def residuals(problem: Problem, filter: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    """r1 (N, K, h, w), r2 and r3 (K, C, a, a)."""
    pulled = None
    if problem.strength is not None and problem.anchor is not None:
        pulled = problem.strength.sqrt() * (filter - problem.anchor)
    return problem.weights * (respond(problem.features, filter) - problem.labels), problem.decay * filter, pulled


def loss_of(problem: Problem, filter: Tensor) -> Tensor:
    """The sum of all squared residuals, a number."""
    return _square(*residuals(problem, filter))


def gradient_of(problem: Problem, filter: Tensor) -> Tensor:
    """(K, C, a, a): J'r, half the gradient of the loss."""
    return _gradient(problem, filter.shape, residuals(problem, filter))


def product_with(problem: Problem, direction: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    """J g for a direction g (K, C, a, a), in the parts of `residuals`. It does not depend on where the filter is."""
    pulled = None if problem.strength is None else problem.strength.sqrt() * direction
    return problem.weights * respond(problem.features, direction), problem.decay * direction, pulled


def descend(problem: Problem, start: Tensor, steps: int, damping: float = 0.0) -> Fitted:
    """The filter after some steps from `start`. Frozen parameters keep their very bits.

    damping: rho, added to the step's denominator as rho |g|^2. LWL: steplength_reg, 0.
    """
    filter, said = start, residuals(problem, start)
    losses, gathered = [_square(*said)], torch.zeros_like(start)
    for _ in range(steps):
        whole = _gradient(problem, start.shape, said)
        gathered = gathered + whole.abs()
        slope = whole if problem.frozen is None else whole.masked_fill(problem.frozen, 0.0)
        change = product_with(problem, slope)
        steep = slope.square().sum()
        length = steep / (_square(*change) + damping * steep).clamp_min(SMALLEST)
        moved = filter - length * slope
        filter = moved if problem.frozen is None else torch.where(problem.frozen, filter, moved)
        said = _minus(said, change, length)
        losses.append(_square(*said))
    return Fitted(filter, tuple(losses), gathered)


def _gradient(problem: Problem, shape: Sequence[int], said: tuple[Tensor, Tensor, Tensor | None]) -> Tensor:
    data, own, pulled = said
    slope = conv2d_weight(problem.features, list(shape), problem.weights * data, padding=shape[-1] // 2)
    slope = slope + problem.decay * own
    return slope if pulled is None or problem.strength is None else slope + problem.strength.sqrt() * pulled


def _minus(
    said: tuple[Tensor, Tensor, Tensor | None], change: tuple[Tensor, Tensor, Tensor | None], length: Tensor
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The residuals a step further: they are linear, so they need not be computed anew."""
    pulled = None if said[2] is None or change[2] is None else said[2] - length * change[2]
    return said[0] - length * change[0], said[1] - length * change[1], pulled


def _square(data: Tensor, own: Tensor, pulled: Tensor | None) -> Tensor:
    total = data.square().sum() + own.square().sum()
    return total if pulled is None else total + pulled.square().sum()
