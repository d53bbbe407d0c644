"""One mask against another: how many pixels they share, and how well their boundaries match. J and F come of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vidmem.metrics.bits import Rows, Window, blank, boundary, count, dilate, holding
from vidmem.metrics.radius import Radius, davis, disk


@dataclass(frozen=True)
class Matches:
    """How many boundary pixels there are, and how many of them lie within reach of the other mask's boundary."""

    truth: int
    truth_matched: int
    answer: int
    answer_matched: int

    def f(self) -> float:
        """The harmonic mean of precision and recall. 1 when neither mask has a boundary, 0 when one alone has none."""
        if self.truth == 0 or self.answer == 0:
            return float(self.truth == self.answer)
        precision, recall = self.answer_matched / self.answer, self.truth_matched / self.truth
        return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


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
        return (self.shared + 1) / (self.joint + 1)

    def f(self) -> float:
        """By the first radius."""
        return self.boundaries[0].f()


@dataclass(frozen=True, eq=False)
class Outline:
    """A mask and its boundary, in the part of the frame where they are."""

    size: tuple[int, int]  # (H, W) of the frame
    window: Window
    mask: np.ndarray  # (rows, bytes) of the window
    edge: np.ndarray
    area: int  # pixels
    length: int  # boundary pixels


def outline(packed: np.ndarray, width: int) -> Outline | None:
    """Of a mask packed by `bits.pack`; None when it has no pixel.     width: W, in pixels"""
    size = (len(packed), width)
    least = holding(packed)
    if least is None:
        return None
    window = least.grown(1, size)  # a boundary may lie a pixel above or to the left
    mask = packed[window.inside(Window(0, size[0], 0, packed.shape[1]))]
    edge = boundary(mask, min(width - 8 * window.left, 8 * mask.shape[1]))
    return Outline(size, window, mask, edge, count(mask), count(edge))


def compare(truth: np.ndarray, answer: np.ndarray, width: int, radii: tuple[Radius, ...] = (davis,)) -> Comparison:
    """One mask with another.

    truth, answer: (H, ceil(W / 8)) uint8, packed by `bits.pack`     width: W, in pixels
    radii: the tolerances of the boundary, one for each F that is wanted
    """
    return pair(outline(truth, width), outline(answer, width), radii)


def compare_all(truths: Sequence[np.ndarray], answers: Sequence[np.ndarray], width: int) -> list[list[Comparison]]:
    """Each of the answers (rows) with each of the truths (columns) by DAVIS's radius. Masks packed, of one frame."""
    outlines = [outline(each, width) for each in truths]
    return [[pair(truth, answer) for truth in outlines] for answer in [outline(each, width) for each in answers]]


def pair(truth: Outline | None, answer: Outline | None, radii: tuple[Radius, ...] = (davis,)) -> Comparison:
    if truth is None or answer is None:
        true, given = ((0, 0) if each is None else (each.area, each.length) for each in (truth, answer))
        return Comparison(0, true[0] + given[0], true[0], (Matches(true[1], 0, given[1], 0),) * len(radii))
    common = truth.window.shared(answer.window)
    shared = 0
    if common is not None:
        shared = count(truth.mask[common.inside(truth.window)] & answer.mask[common.inside(answer.window)])
    elements = [disk(radius(truth.size, truth.area)) for radius in radii]
    found = {element: _match(truth, answer, element) for element in set(elements)}
    joint = truth.area + answer.area - shared
    return Comparison(shared, joint, truth.area, tuple(found[element] for element in elements))


def _match(truth: Outline, answer: Outline, element: Rows) -> Matches:
    """Boundary pixels farther than the element reaches from all of the other mask's part cannot match: they are cut."""
    reach = _reach(element)
    near = truth.window.grown(reach, truth.size).shared(answer.window.grown(reach, answer.size))
    if near is None:
        return Matches(truth.length, 0, answer.length, 0)
    rows = near.bottom - near.top
    lines = blank(2 * rows + reach, near.right - near.left, reach)  # both in one, too far apart to meet
    for edge, outline in ((lines[:rows], truth), (lines[-rows:], answer)):
        common = outline.window.shared(near)
        if common is not None:
            edge.view(np.uint8)[common.inside(near)] = outline.edge[common.inside(outline.window)]
    reached = dilate(lines, element)
    true, given = count(lines[:rows] & reached[-rows:]), count(lines[-rows:] & reached[:rows])
    return Matches(truth.length, true, answer.length, given)


@lru_cache(maxsize=256)
def _reach(element: Rows) -> int:
    return max(max(abs(down), abs(first), abs(last)) for down, first, last in element)
