"""GRCL (Nazemi et al., arXiv 2309.15274): gates close over the parameters that earlier fits turned on.

[R] After each fit every parameter's importance is the magnitude of its gradient, summed over the steps; the greatest of
them get a gate. The gates of the last fits are kept in bits and joined, and in the next fit the parameters behind them
are pulled back so strongly that they stay where they are, while all others learn freely. [S] The gated-regulariser
memory of earlier representations.

[C] Exact freezing: the solver's steps leave the parameters behind gates alone, to the bit, and the length of a step is
exact for those that move. The soft form pulls them by `strength` instead. Gates are given by share, not by threshold:
at most `keep` times the share of the parameters is frozen at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vidmem.targets.regularisers import Hold
from vidmem.targets.regularisers.gates import most_important, packed, union
from vidmem.targets.solver import Fitted


@dataclass(frozen=True, eq=False)
class Gates:
    """The gated-regulariser memory."""

    maps: tuple[Tensor, ...] = ()  # each (n / 8,) uint8, oldest first


@dataclass(frozen=True)
class Grcl:
    """Binary gates of the last fits, joined."""

    share: float = 0.005  # of the parameters that get a gate in a fit. [R] the 99.5th percentile, for LWL
    keep: int = 20  # fits whose gates are kept. [R] P about 20
    strength: float = 0.0  # of the soft form, on the squared distance; 0: exact freezing

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or self.keep < 1 or self.strength < 0:
            raise ValueError(
                "grcl.share must be 0 to 1, keep 1 or more, strength 0 or more; got "
                f"{self.share}, {self.keep}, {self.strength}."
            )

    def start(self) -> Gates:
        return Gates()

    def hold(self, kept: Gates, filter: Tensor) -> Hold:
        if not kept.maps:
            return Hold()
        closed = union(kept.maps, filter.shape)
        if self.strength == 0:
            return Hold(frozen=closed)
        return Hold(strength=torch.where(closed, self.strength, 0.0), anchor=filter)

    def learn(self, kept: Gates, fitted: Fitted) -> Gates:
        new = packed(most_important(fitted.gradient, self.share))
        return Gates((*kept.maps, new)[-self.keep :])
