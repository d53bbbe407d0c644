"""The plainest regulariser: every parameter is pulled alike, to where it was or to where the first fit left it. [C]"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from vidmem.targets.regularisers import Hold
from vidmem.targets.solver import Fitted


@dataclass(frozen=True)
class Anchor:
    """strength |T - anchor|^2 is added to the loss."""

    strength: float = 1.0  # [C]
    to: Literal["first", "previous"] = "first"  # the filter of the first fit, or the one each fit starts from

    def __post_init__(self) -> None:
        if self.strength < 0 or self.to not in ("first", "previous"):
            raise ValueError(
                f"anchor.strength must be 0 or more and to first or previous; got {self.strength}, {self.to!r}."
            )

    def start(self) -> None:
        return None

    def hold(self, kept: Tensor | None, filter: Tensor) -> Hold:
        return Hold(strength=torch.full_like(filter, self.strength), anchor=filter if kept is None else kept)

    def learn(self, kept: Tensor | None, fitted: Fitted) -> Tensor | None:
        return fitted.filter if kept is None and self.to == "first" else kept
