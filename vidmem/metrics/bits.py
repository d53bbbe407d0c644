"""Masks as one long integer each: a bit a pixel, so that a shift, an `and` and a count do a whole mask at once.

Python's integers are as long as wanted, exact, and run at the speed of memory: the boundary of a mask and its
dilation by a disk are a few dozen shifts. Nothing is approximated, whatever the shape of the disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np


def pack(mask: np.ndarray) -> np.ndarray:
    """(H, W) bool -> (H, ceil(W / 8)) uint8, a bit a pixel, the leftmost pixel lowest."""
    return np.packbits(mask, axis=1, bitorder="little")


@dataclass(frozen=True)
class Window:
    """A part of a packed frame, laid out as one integer: rows one after the other, with free bits between them.

    The free bits take up what a shift to the side moves out of a row, so that it does not enter the next.
    """

    top: int  # pixels
    bottom: int
    left: int  # bytes of eight pixels
    right: int
    columns: int  # pixels
    stride: int  # bits from one row to the next

    @property
    def rows(self) -> int:
        return self.bottom - self.top

    def integer(self, packed: np.ndarray) -> int:
        """This part of a packed mask."""
        lines = np.zeros((self.rows, self.stride // 8), np.uint8)
        lines[:, : self.right - self.left] = packed[self.top : self.bottom, self.left : self.right]
        return int.from_bytes(lines.tobytes(), "little")

    def columns_but_last(self) -> int:
        """Ones wherever a pixel has a neighbour to its right."""
        return _filled((1 << (self.columns - 1)) - 1, self.rows, self.stride)

    def last_column(self) -> int:
        return _filled(1 << (self.columns - 1), self.rows, self.stride)


@lru_cache(maxsize=256)
def _filled(line: int, rows: int, stride: int) -> int:
    return int.from_bytes(line.to_bytes(stride // 8, "little") * rows, "little")


def window(joint: np.ndarray, width: int, reach: int) -> Window | None:
    """The part of a frame that holds every pixel of `joint` and its surroundings; None when it has no pixel.

    joint: (H, ceil(W / 8)) uint8, packed     width: of the frame, in pixels     reach: of the longest shift to the
    side
    """
    rows, columns = np.flatnonzero(joint.any(1)), np.flatnonzero(joint.any(0))
    if len(rows) == 0:
        return None
    height, bytes_across = joint.shape
    left, right = max(int(columns[0]) - 1, 0), min(int(columns[-1]) + 2, bytes_across)
    return Window(
        top=max(int(rows[0]) - 1, 0),
        bottom=min(int(rows[-1]) + 2, height),
        left=left,
        right=right,
        columns=min(width - 8 * left, 8 * (right - left)),
        stride=8 * (right - left + (reach + 7) // 8),
    )


def boundary(mask: int, window: Window) -> int:
    """The pixels that differ from their right, their lower or their lower right neighbour.

    In the last row only the right neighbour counts, in the last column only the lower one (Martin et al. 2004, in the
    form DAVIS uses). That is what repeating the last row and column outwards gives.
    """
    inner, last = window.columns_but_last(), window.last_column()
    below = mask >> window.stride | mask & (~0 << window.stride * (window.rows - 1))

    def beside(each: int) -> int:
        return each >> 1 & inner | each & last

    return mask ^ beside(mask) | mask ^ below | mask ^ beside(below)


Rows = tuple[tuple[int, int, int], ...]
"""A structuring element, row by row: how far down, and the first and the last column, all relative to its anchor."""


def dilate(mask: int, element: Rows, stride: int) -> int:
    """All pixels from which the element, laid at them, meets the mask. `stride`: bits from a row to the next."""
    left = max(-first for _, first, _ in element)
    length, run = 1, mask << left  # room at the lower end, so that no bit falls off before it is shifted back
    runs = {}  # length -> the mask with that many pixels, each the right neighbour of the last, taken together
    for wanted in sorted({last - first + 1 for _, first, last in element}):
        while length < wanted:
            step = min(length, wanted - length)
            run |= run >> step
            length += step
        runs[wanted] = run
    out = 0
    for down, first, last in element:
        shift = down * stride + first + left
        out |= runs[last - first + 1] >> shift if shift >= 0 else runs[last - first + 1] << -shift
    return out
