"""Regularisers: what keeps a target model from forgetting while it learns.

To add one: write vidmem/targets/regularisers/NAME.py and its line in the table;
tests/test_target_regularisers.py tries it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from torch import Tensor

    from vidmem.targets.solver import Fitted


@dataclass(frozen=True, eq=False)
class Hold:
    """What a fit is held by. Every tensor (K, C, a, a)."""

    frozen: Tensor | None = None  # bool: may not move
    strength: Tensor | None = None  # how much each is pulled to its anchor, on the squared distance
    anchor: Tensor | None = None

    @property
    def share(self) -> float:
        """Share of the parameters that may not move."""
        return 0.0 if self.frozen is None else float(self.frozen.float().mean())


class Regulariser(Protocol):
    """Three verbs over a state that is never changed in place and bounded in bytes."""

    def start(self) -> Any:
        """The state that knows of no fit."""
        ...

    def hold(self, kept: Any, filter: Tensor) -> Hold:
        """What holds the next fit, which starts from `filter` (K, C, a, a)."""
        ...

    def learn(self, kept: Any, fitted: Fitted) -> Any:
        """The state after a fit."""
        ...


regularisers: Catalog[Regulariser] = Catalog(
    "regulariser",
    "vidmem.targets.regularisers",
    {
        "none": "vidmem.targets.regularisers.none:Free",  # learn and forget
        "anchor": "vidmem.targets.regularisers.anchor:Anchor",  # all parameters are pulled alike
        "importance": "vidmem.targets.regularisers.importance:Importance",  # EWC, MAS: the important ones more
        "grcl": "vidmem.targets.regularisers.grcl:Grcl",  # gates: the important ones do not move, arXiv 2309.15274
    },
)
