"""Searches: how many pasts of an object are kept alive.

To add one: write vidmem/searches/NAME.py and its line in the table; tests/test_searches.py tries it at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from vidmem.choices import Belief, Choice
    from vidmem.values import Candidates, Guess


@dataclass(frozen=True, eq=False)
class History:
    """One way the past may have gone: what the bank remembers of it, the choice's state, how far it is believed."""

    bank: Any
    choice: Any
    score: float = 0.0
    agreed: int = 0  # frames in a row in which its mask was that of the history believed most
    trail: tuple[Guess, ...] = ()  # its latest answers, oldest first, where they are given out later (emission.py)
    target: Any = None  # the target model's state, where the tracker has one


@dataclass(frozen=True, eq=False)
class Branch:
    """A history grown by one frame: which history, and which of its candidates."""

    parent: int
    pick: int
    belief: Belief
    score: float = 0.0
    agreed: int = 0

    @property
    def motion_iou(self) -> float | None:
        """Overlap of the picked candidate with where the object was expected."""
        return None if self.belief.motion_iou is None else self.belief.motion_iou[self.pick]


class Search(Protocol):
    """One verb: which branches live on, the one that answers for this frame first.

    Histories that are the same value have the same candidates, the very same value too; a branch taken twice costs
    nothing. A prompt is never searched: it makes an end of doubt and leaves one history, with the score 0.
    """

    def select(
        self, histories: Sequence[History], offered: Sequence[Candidates], choice: Choice, present_above: float = 0.0
    ) -> Sequence[Branch]:
        """offered: the candidates of each history. present_above: the loop's, of the object score of what is shown."""
        ...


searches: Catalog[Search] = Catalog(
    "search",
    "vidmem.searches",
    {
        "single": "vidmem.searches.single:Single",  # one past, never doubted: SAM 2, SAMURAI
        "tree": "vidmem.searches.tree:Tree",  # SAM2Long, arXiv 2410.16268
    },
)
