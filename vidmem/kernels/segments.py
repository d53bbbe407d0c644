"""Into which segments a packed memory is cut, so that all processors of a GPU have work and end together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from vidmem.kernels.tokens import Lengths

MOST_SPLITS = 16
COST_OF_A_SPLIT = 0.01  # of the whole attention: what writing and adding up one more part is taken to cost


@dataclass(frozen=True, eq=False)
class Segments:
    """The cut, on the device. `entry` says which entry of its item a segment is of, where entries are kept apart."""

    bounds: Tensor  # (S, 3) int32: start, end, item
    first: Tensor  # (B + 1,) int32
    per_item: tuple[int, ...]  # segments of each item
    entry: tuple[tuple[int, ...], ...]  # of each segment of each item


def splits(blocks: int, processors: int) -> int:
    """Into how many parts of equal length to cut, so that `blocks` blocks of queries keep so many processors busy."""

    def cost(parts: int) -> float:
        return -(-blocks * parts // processors) / parts * processors / blocks + COST_OF_A_SPLIT * parts

    return min(range(1, MOST_SPLITS + 1), key=cost)


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def cut(keys: Lengths, blocks: int, processors: int, step: int, by_entry: bool, device: torch.device) -> Segments:
    """The segments of items with so many keys in each entry.

    blocks: blocks of queries that look at each item   step: keys a segment is a multiple of, but for its end
    by_entry: no segment reaches over two entries
    """
    totals = [sum(item) for item in keys]
    parts = splits(blocks * len(keys), processors)
    length = -(-sum(totals) // (parts * len(keys)) // step) * step
    bounds, entries, start = [], [], 0
    for number, item in enumerate(keys):
        own: list[int] = []
        for entry, count in enumerate(item if by_entry else (sum(item),)):
            pieces = max(1, round(count / length)) if count else 0
            size = -(-count // max(pieces, 1) // step) * step
            for piece in range(0, count, max(size, step)):
                bounds.append((start + piece, start + min(count, piece + size), number))
                own.append(entry)
            start += count
        entries.append(tuple(own))
    first = torch.tensor([0, *(len(own) for own in entries)]).cumsum(0).int()
    return Segments(
        torch.tensor(bounds, dtype=torch.int32).to(device),
        first.to(device),
        tuple(len(own) for own in entries),
        tuple(entries),
    )
