"""One mask against another: how many pixels they share, and how well their boundaries match. J and F come of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vidmem.metrics.bits import boundary, dilate, window
from vidmem.metrics.boundary import Matches, davis_radius, disk, matches

Radius = Callable[[tuple[int, int], int], float]
"""From the frame's (H, W) and the object's true area, both in pixels, to the tolerance in pixels."""


def fixed(size: tuple[int, int], area: int) -> float:
    """The tolerance of DAVIS, the same for every object of a frame."""
    return davis_radius(size)


@dataclass(frozen=True)
class Comparison:
    """What two masks have in common."""

    shared: int  # pixels
    joint: int
    truth: int
    boundaries: tuple[Matches, ...]  # one for each radius asked for

    def j(self) -> float:
        """Shared over joint pixels; 1 when both masks are empty."""
        return self.shared / self.joint if self.joint else 1.0

    def smoothed_j(self) -> float:
        """The J of MOSE v2: one pixel is added above and below, so that a total miss is not quite 0."""
        return (self.shared + 1) / (self.joint + 1) if self.joint else 1.0


def compare(truth: np.ndarray, answer: np.ndarray, width: int, radii: tuple[Radius, ...] = (fixed,)) -> Comparison:
    """truth, answer: (H, ceil(W / 8)) uint8, packed by `bits.pack`     width: W, in pixels"""
    size = (len(truth), width)
    area = int.from_bytes(truth.tobytes(), "little").bit_count() if any(each is not fixed for each in radii) else 0
    elements = [disk(radius(size, area)) for radius in radii]
    reach = max((max(abs(first), abs(last)) for element in elements for _, first, last in element), default=0)
    seen = window(truth | answer, width, reach)
    if seen is None:
        return Comparison(0, 0, 0, tuple(Matches(0, 0, 0, 0) for _ in radii))
    a, b = seen.integer(truth), seen.integer(answer)
    edge_a, edge_b = boundary(a, seen), boundary(b, seen)
    found = {
        element: matches(edge_a, edge_b, dilate(edge_a, element, seen.stride), dilate(edge_b, element, seen.stride))
        for element in set(elements)
    }
    return Comparison((a & b).bit_count(), (a | b).bit_count(), a.bit_count(), tuple(found[each] for each in elements))
