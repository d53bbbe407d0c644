"""Masks with a bit a pixel, row after row: a shift, an `and` and a count do 64 pixels at once.

The boundary of a mask and its dilation by a disk are a few dozen such shifts over the part of the frame where the masks
are. Nothing is approximated, whatever the shape of the disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

WORD = np.dtype("<u8")  # the leftmost pixel is the lowest bit, on every machine


def pack(mask: np.ndarray) -> np.ndarray:
    """(H, W) bool -> (H, ceil(W / 8)) uint8, a bit a pixel, the leftmost pixel lowest."""
    return np.packbits(mask, axis=1, bitorder="little")


def count(bits: np.ndarray) -> int:
    """How many pixels there are."""
    if hasattr(np, "bitwise_count"):
        return int(np.bitwise_count(bits).sum(dtype=np.int64))
    return int.from_bytes(bits.tobytes(), "little").bit_count()  # NumPy 1


@dataclass(frozen=True)
class Window:
    """A part of a packed frame: rows from `top` to `bottom`, bytes of eight pixels from `left` to `right`."""

    top: int
    bottom: int
    left: int
    right: int

    def grown(self, pixels: int, size: tuple[int, int]) -> Window:
        """With so many pixels more on every side, sideways up to seven besides, inside a frame of size (H, W)."""
        sideways = (pixels + 7) // 8
        return Window(
            max(self.top - pixels, 0),
            min(self.bottom + pixels, size[0]),
            max(self.left - sideways, 0),
            min(self.right + sideways, (size[1] + 7) // 8),
        )

    def shared(self, other: Window) -> Window | None:
        """What lies in both, None if nothing does."""
        both = Window(
            max(self.top, other.top),
            min(self.bottom, other.bottom),
            max(self.left, other.left),
            min(self.right, other.right),
        )
        return both if both.top < both.bottom and both.left < both.right else None

    def inside(self, outer: Window) -> tuple[slice, slice]:
        """Where this part is in the array of a larger one."""
        rows = slice(self.top - outer.top, self.bottom - outer.top)
        return rows, slice(self.left - outer.left, self.right - outer.left)


def holding(packed: np.ndarray) -> Window | None:
    """The least part of a packed frame with all its pixels; None when there is no pixel."""
    columns = np.bitwise_or.reduce(packed, axis=0).nonzero()[0]
    if len(columns) == 0:
        return None
    left, right = int(columns[0]), int(columns[-1]) + 1
    rows = np.bitwise_or.reduce(packed[:, left:right], axis=1).nonzero()[0]
    return Window(int(rows[0]), int(rows[-1]) + 1, left, right)


def blank(rows: int, columns: int, reach: int) -> np.ndarray:
    """(rows, words) of WORD, no pixel set: rows of so many bytes with at least `reach` free bits behind.

    The free bits take up what a shift to the side moves out of a row, so that it does not enter the next.
    """
    return np.zeros((rows, -(-(8 * columns + reach) // 64)), WORD)


def boundary(packed: np.ndarray, columns: int) -> np.ndarray:
    """(rows, bytes) -> (rows, bytes): the pixels that differ from their right, lower or lower right neighbour.

    columns: pixels in a row. In the last row only the right neighbour counts, in the last column only the lower one
    (Martin et al. 2004, in the form DAVIS uses). That is what repeating the last row and column outwards gives.
    """
    mask = blank(len(packed), packed.shape[1], 0)
    mask.view(np.uint8)[:, : packed.shape[1]] = packed
    inner, last = _columns(columns, mask.shape[1])

    def beside(each: np.ndarray) -> np.ndarray:
        return _right(each.ravel(), 1).reshape(each.shape) & inner | each & last

    below = np.concatenate([mask[1:], mask[-1:]])
    edge = mask ^ beside(mask) | mask ^ below | mask ^ beside(below)
    return edge.view(np.uint8)[:, : packed.shape[1]]


Rows = tuple[tuple[int, int, int], ...]
"""A structuring element, row by row: how far down, and the first and the last column, all relative to its anchor."""


def dilate(mask: np.ndarray, element: Rows) -> np.ndarray:
    """All pixels from which the element, laid at them, meets the mask.

    mask: (rows, words) with as many free bits in a row as the element reaches sideways. So the result, which may have
    pixels among the free bits too.
    """
    words, left, lengths = mask.shape[1], max(0, *(-first for _, first, _ in element)), _lengths(element)
    length, run = 1, _left(mask.ravel(), left)  # room at the lower end: no bit falls off before it is shifted back
    runs = {}  # length -> the mask with that many pixels, each the right neighbour of the last, taken together
    for wanted in lengths:
        while length < wanted:
            step = min(length, wanted - length)
            moved = _right(run, step)
            run = np.bitwise_or(run, moved, out=moved)
            length += step
        runs[wanted] = run
    spread, out = {}, np.zeros_like(run)
    for down, first, last in element:
        line = spread.get((first, last))
        if line is None:
            line = spread[first, last] = _right(runs[last - first + 1], first + left)
        shift = down * words
        if shift <= 0:
            out[-shift:] |= line[: len(line) + shift]
        else:
            out[: max(len(line) - shift, 0)] |= line[shift:]
    return out.reshape(-1, words)


@lru_cache(maxsize=256)
def _lengths(element: Rows) -> tuple[int, ...]:
    return tuple(sorted({last - first + 1 for _, first, last in element}))


def _right(bits: np.ndarray, by: int) -> np.ndarray:
    """Every pixel moved down by so many places, to the left as one sees it; those that leave the array are lost."""
    if by == 0:
        return bits
    words, rest = divmod(by, 64)
    bits = bits[words:] if words else bits
    moved = bits >> np.uint64(rest)
    if rest:
        moved[:-1] |= bits[1:] << np.uint64(64 - rest)
    return np.concatenate([moved, np.zeros(words, WORD)]) if words else moved


def _left(bits: np.ndarray, by: int) -> np.ndarray:
    """Every pixel moved up by so many places."""
    words, rest = divmod(by, 64)
    bits = bits[: len(bits) - words] if words else bits
    moved = bits << np.uint64(rest)
    if rest:
        moved[1:] |= bits[:-1] >> np.uint64(64 - rest)
    return np.concatenate([np.zeros(words, WORD), moved]) if words else moved


@lru_cache(maxsize=1024)
def _columns(columns: int, words: int) -> tuple[np.ndarray, np.ndarray]:
    """(words,) ones wherever a pixel of a row has a neighbour to its right, and a one in the last column."""
    inner, last = (1 << (columns - 1)) - 1, 1 << (columns - 1)
    return tuple(np.frombuffer(each.to_bytes(words * 8, "little"), WORD) for each in (inner, last))  # type: ignore
