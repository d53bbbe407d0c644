"""Transforms of tokens: in which form pages are kept, and in which they are attended. Banks and models know none.

A tracker has a list of them, each independent of the bank, the choice and the search. To add one: write
vidmem/transforms/NAME.py and its line in the table; tests/test_transforms.py tries it at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from torch import Tensor

    from vidmem.values import Memory, Packed


class Transform(Protocol):
    """Two verbs between a bank and a model. The one that does not concern a transform returns what it is given."""

    def keep(self, blank: Tensor | Packed) -> Tensor | Packed:
        """Where a page will be kept, given the blank (N, C) place an earlier transform, or none, would keep it in."""
        ...

    def show(self, memory: Memory) -> Memory:
        """A memory as it is to be attended: the same pages and pointers in the same order, each said otherwise."""
        ...


transforms: Catalog[Transform] = Catalog(
    "token transform",
    "vidmem.transforms",
    {
        "bits": "vidmem.transforms.bits:Bits",  # pages in 8 or 4 bits a number
        "pool": "vidmem.transforms.pool:Pool",  # EfficientTAM, arXiv 2411.18933: squares of tokens attended as one
    },
)
