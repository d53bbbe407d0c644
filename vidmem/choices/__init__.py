"""Choices: which of the candidates becomes the answer.

To add one: write vidmem/choices/NAME.py and its line in the table; tests/test_choices.py tries it at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from vidmem.values import Candidates


class Choice(Protocol):
    """Two verbs over a state the choice never changes in place. One state follows one object through one past."""

    def start(self) -> Any:
        """The state before the first frame."""
        ...

    def pick(self, state: Any, candidates: Candidates) -> tuple[int, Any]:
        """The index of the candidate believed, and the next state."""
        ...


choices: Catalog[Choice] = Catalog(
    "choice",
    "vidmem.choices",
    {
        "argmax": "vidmem.choices.argmax:Argmax",  # SAM 2: the highest predicted IoU
    },
)
