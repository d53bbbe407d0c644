"""Searches: how many pasts of an object are kept alive.

To add one: write vidmem/searches/NAME.py and its line in the table; tests/test_searches.py tries it at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from vidmem.choices import Choice
    from vidmem.values import Candidates


@dataclass(frozen=True, eq=False)
class History:
    """One way the past may have gone: what the bank remembers of it, the choice's state, how far it is believed."""

    bank: Any
    choice: Any
    score: float = 0.0


@dataclass(frozen=True, eq=False)
class Branch:
    """A history grown by one frame: which history, which of its candidates, and the choice's next state."""

    parent: int
    pick: int
    choice: Any
    score: float = 0.0


class Search(Protocol):
    """One verb: which branches live on, the one that answers for this frame first."""

    def select(
        self, histories: Sequence[History], offered: Sequence[Candidates], choice: Choice
    ) -> Sequence[Branch]: ...


searches: Catalog[Search] = Catalog(
    "search",
    "vidmem.searches",
    {
        "single": "vidmem.searches.single:Single",  # one past, never doubted: SAM 2, SAMURAI
    },
)
