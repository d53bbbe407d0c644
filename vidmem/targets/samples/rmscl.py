"""RMSCL (Nazemi et al., arXiv 2309.15274): learn from those samples that the present frame is made of.

[R] Every stored frame is pooled over its channels by their maximum; the present frame's pooled vector is written as a
non-negative sum of few of them, and only those count in the next fit, as much as their coefficient says. [S] The idea:
a compact, diverse working memory by reconstruction.

[C] Vectors have length one and the penalty is a share of the greatest likeness; prompted samples always count, together
a quarter at least, as in LWL. Where no other sample is picked, the one most alike is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vidmem.targets.samples import Sample
from vidmem.targets.samples.lasso import non_negative_lasso
from vidmem.targets.samples.room import FLOOR, check_bounds, made_room


@dataclass(frozen=True)
class Rmscl:
    """First in, first out; for each fit a few of the samples are picked."""

    limit: int = 32  # samples kept; as only a part is worked with, more may be
    max_prompts: int = 4  # of them prompted: the first and the newest
    penalty: float = 0.05  # of the Lasso, as a share of the greatest likeness; [C] see docs/continual.md
    floor: float = FLOOR  # least share of all prompts together; [C] as LWL's

    def __post_init__(self) -> None:
        check_bounds("rmscl", self.limit, self.max_prompts)
        if not 0 < self.penalty < 1 or not 0 <= self.floor < 1:
            raise ValueError(
                f"rmscl.penalty must be between 0 and 1 and floor 0 or more; got {self.penalty}, {self.floor}."
            )

    def keep(self, samples: tuple[Sample, ...], new: Sample) -> tuple[Sample, ...]:
        return (*made_room(samples, new, self.limit, self.max_prompts), new)

    def weigh(self, samples: tuple[Sample, ...], seen: Tensor) -> tuple[float, ...]:
        columns = pooled(torch.stack([each.features for each in samples])).cpu().numpy().T
        wanted = pooled(seen[None])[0].cpu().numpy()
        likeness = columns.T.astype(np.float64) @ wanted
        psi = non_negative_lasso(columns, wanted, self.penalty * max(float(likeness.max()), 1e-6))
        first = np.array([each.prompted for each in samples])
        if not psi[~first].any() and not first.all():
            psi[np.where(first, -np.inf, likeness).argmax()] = max(psi.sum(), 1.0)
        return tuple(_shares(psi, first, self.floor).tolist())


def pooled(features: Tensor) -> Tensor:
    """(N, h w) of length one: the greatest of the channels in each cell of features (N, C, h, w)."""
    vectors = features.float().amax(1).flatten(1)
    return vectors / vectors.norm(dim=1, keepdim=True).clamp_min(1e-6)


def _shares(psi: np.ndarray, first: np.ndarray, floor: float) -> np.ndarray:
    """Coefficients (N,) as shares of one, those that are `first` (N,) lifted to the floor together."""
    if first.all() or not first.any():
        total = psi.sum()
        return psi / total if total > 0 else np.full(len(psi), 1 / len(psi))
    shares = psi / psi.sum()
    if shares[first].sum() >= floor and (shares[first] > 0).all():
        return shares
    least = max(floor, float(shares[first].sum()))
    rest = shares[~first].sum()
    return np.where(first, least / first.sum(), shares * ((1 - least) / rest if rest > 0 else 0.0))
