"""EWC (arXiv 1612.00796) and MAS (arXiv 1711.09601) for a filter that never stops learning: pull what matters.

[R] L + gamma sum_k omega_k (T_k - T'_k)^2, with T' the filter before the fit and omega from accumulated gradient
magnitude, as in the parameter-regularised baseline of arXiv 2309.15274. [C] The magnitudes of a fit are made relative
to their greatest and averaged over fits, so that neither grows without end.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vidmem.targets.regularisers import Hold
from vidmem.targets.solver import Fitted


@dataclass(frozen=True)
class Importance:
    """One number for each parameter, kept over all fits."""

    strength: float = 10.0  # gamma [C]
    memory: float = 0.95  # share of the past in each average [C]

    def __post_init__(self) -> None:
        if self.strength < 0 or not 0 <= self.memory < 1:
            raise ValueError(
                f"importance.strength must be 0 or more and memory 0 to 1; got {self.strength}, {self.memory}."
            )

    def start(self) -> None:
        return None

    def hold(self, kept: Tensor | None, filter: Tensor) -> Hold:
        omega = torch.zeros_like(filter) if kept is None else kept
        return Hold(strength=self.strength * omega, anchor=filter)

    def learn(self, kept: Tensor | None, fitted: Fitted) -> Tensor:
        relative = fitted.gradient / fitted.gradient.max().clamp_min(1e-12)
        return relative if kept is None else torch.lerp(relative, kept, self.memory)
