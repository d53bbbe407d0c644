"""A model that begins as a shallower one: blocks are added that do nothing yet, so that it answers as before."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

import torch
from torch import Tensor

from vidmem.models.sizes import Architecture

SILENT = ("attn.proj", "mlp.layers.1", "self_attn.out_proj", "cross_attn_image.out_proj", "linear2")
"""The last layers of what a block adds to what runs past it."""


def grown(
    weights: Mapping[str, Tensor], old: Architecture, new: Architecture, fresh: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The weights of `old` under the names of `new`, and of the blocks that only `new` has, `fresh` ones made silent.

    Both have the same widths; blocks are added at the end of each stage and of memory attention.
    """
    places = _places(old, new)
    moved = {_renamed(name, places): each for name, each in weights.items()}
    added = {name: each.clone() for name, each in fresh.items() if name not in moved}
    for name, each in added.items():
        if any(f".{last}." in name for last in SILENT):
            torch.zero_(each)
    return {**moved, **added}


def _places(old: Architecture, new: Architecture) -> dict[int, int]:
    """Where each block of the old trunk is in the new one."""
    begins = [list(accumulate(each.stages, initial=0)) for each in (old, new)]
    return {
        begins[0][stage] + block: begins[1][stage] + block
        for stage, depth in enumerate(old.stages)
        for block in range(depth)
    }


def _renamed(name: str, places: Mapping[int, int]) -> str:
    head, mark, tail = name.partition("trunk.blocks.")
    if not mark:
        return name
    number, _, rest = tail.partition(".")
    return f"{head}{mark}{places[int(number)]}.{rest}"
