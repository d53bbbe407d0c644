"""Connected parts of a mask, found by its runs: no library beside numpy, a millisecond or two for a full frame."""

from __future__ import annotations

import numpy as np

Box = tuple[int, int, int, int]  # x0 y0 x1 y1: the first column and row, and those behind the last


def largest_part(mask: np.ndarray) -> Box | None:
    """The box around the largest 8-connected part of a mask; the part met first among equals, None where all is empty.

    mask (H, W) bool. Pixels meet in 2 x 2 blocks, row of blocks by row of blocks, as in OpenCV's labelling.
    """
    rows, starts, ends = _runs(mask)
    if not len(rows):
        return None
    part = _joined(*_touching(rows, starts, ends, mask.shape[1]), len(rows))
    areas = np.bincount(part, ends - starts)
    equals = np.flatnonzero(areas == areas.max())
    met = rows // 2 * mask.shape[1] + starts // 2
    first = min(equals, key=lambda number: met[part == number].min())
    inside = part == first
    return int(starts[inside].min()), int(rows[inside].min()), int(ends[inside].max()), int(rows[inside].max()) + 1


def box_around(mask: np.ndarray) -> Box | None:
    """The box around all of a mask; None where it is empty.     mask (H, W) bool"""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1) if len(rows) else None


def _runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, first column and the column behind the last, of every unbroken run of pixels in a row."""
    framed = np.zeros((mask.shape[0], mask.shape[1] + 2), bool)
    framed[:, 1:-1] = mask
    edges = np.flatnonzero(framed[:, 1:] != framed[:, :-1])  # every second one ends the run that the one before began
    rows, columns = np.divmod(edges, mask.shape[1] + 1)
    return rows[::2], columns[::2], columns[1::2]


def _touching(rows: np.ndarray, starts: np.ndarray, ends: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of runs that touch, one in the row below the other's; corners touch too."""
    stride = width + 1
    below = (rows + 1) * stride
    first = np.searchsorted(rows * stride + ends, below + starts, "left")
    behind = np.searchsorted(rows * stride + starts, below + ends, "right")
    count = np.maximum(behind - first, 0)
    upper = np.repeat(np.arange(len(rows)), count)
    place = np.arange(len(upper)) - np.repeat(np.cumsum(count) - count, count)
    return upper, first[upper] + place


def _joined(one: np.ndarray, other: np.ndarray, count: int) -> np.ndarray:
    """(count,) for each run the least number among all that hang together with it, given the pairs that touch."""
    number = np.arange(count)
    while True:
        low, high = np.minimum(number[one], number[other]), np.maximum(number[one], number[other])
        if np.array_equal(low, high):
            return number
        np.minimum.at(number, high, low)
        while not np.array_equal(number, number[number]):
            number = number[number]
