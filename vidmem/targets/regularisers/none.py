"""No regulariser: the filter goes wherever the samples lead."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vidmem.targets.regularisers import Hold
from vidmem.targets.solver import Fitted


@dataclass(frozen=True)
class Free:
    """Holds nothing."""

    def start(self) -> None:
        return None

    def hold(self, kept: None, filter: Tensor) -> Hold:
        return Hold()

    def learn(self, kept: None, fitted: Fitted) -> None:
        return None
