"""Memory banks: what is kept of the past, and what of it the model attends.

To add one: write vidmem/banks/NAME.py and its line in the table; tests/test_banks.py tries it at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from vidmem.values import Memory, Observation


class Bank(Protocol):
    """Three verbs over a state the bank never changes in place. One state follows one object through one past.

    A state is a frozen dataclass of numbers, tuples, entries and tensors; saving, loading, moving and measuring it
    is done by walking it (vidmem/states.py), so a bank writes no code for that.
    """

    def start(self) -> Any:
        """The state that remembers nothing."""
        ...

    def read(self, state: Any) -> Memory | None:
        """What the model is to attend in the next frame; None when nothing was remembered yet."""
        ...

    def write(self, state: Any, seen: Observation) -> Any:
        """The state after one more frame. A prompted frame is pinned: it is dropped only by the bound on prompts."""
        ...


banks: Catalog[Bank] = Catalog(
    "memory bank",
    "vidmem.banks",
    {
        "window": "vidmem.banks.window:Window",  # SAM 2: the prompts and the last six frames
        "gated": "vidmem.banks.gated:Gated",  # SAM2Long, SAMURAI, SAM 3: the last frames that deserve belief
        "distractor": "vidmem.banks.distractor:Distractor",  # DAM4SAM: recent frames, and those that showed a double
        "longterm": "vidmem.banks.longterm:LongTerm",  # XMem, Cutie: the most attended tokens of long ago
    },
)
