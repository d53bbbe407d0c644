"""One mask against another: how many pixels they share, and how well their boundaries match. J and F come of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidmem.metrics.bits import Rows, Window, boundary, dilate, window
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


NOTHING = Matches(0, 0, 0, 0)


def compare(truth: np.ndarray, answer: np.ndarray, width: int, radii: tuple[Radius, ...] = (davis,)) -> Comparison:
    """One mask with another.

    truth, answer: (H, ceil(W / 8)) uint8, packed by `bits.pack`     width: W, in pixels
    radii: the tolerances of the boundary, one for each F that is wanted
    """
    area = 0 if radii == (davis,) else int.from_bytes(truth.tobytes(), "little").bit_count()
    elements = [disk(radius((len(truth), width), area)) for radius in radii]
    seen = window(truth | answer, width, max(map(_reach, elements)))
    if seen is None:
        return Comparison(0, 0, 0, (NOTHING,) * len(radii))
    one, other = seen.integer(truth), seen.integer(answer)
    edges = boundary(one, seen), boundary(other, seen)
    found = {}
    for element in set(elements):
        reached = [dilate(edge, element, seen.stride) for edge in edges]
        found[element] = _matches(*edges, *reached)
    return _comparison(one, other, tuple(found[element] for element in elements))


def compare_all(truths: Sequence[np.ndarray], answers: Sequence[np.ndarray], width: int) -> list[list[Comparison]]:
    """Each of the answers (rows) with each of the truths (columns) by DAVIS's radius. Masks packed, of one frame."""
    masks = [*truths, *answers]
    joint = np.bitwise_or.reduce(np.stack(masks))
    element = disk(davis((len(joint), width)))
    seen = window(joint, width, _reach(element))
    if seen is None:
        return [[Comparison(0, 0, 0, (NOTHING,)) for _ in truths] for _ in answers]
    known: dict[int, tuple[int, int, int]] = {}
    drawn = [known.setdefault(each, _drawn(each, element, seen)) for each in map(seen.integer, masks)]
    return [
        [
            _comparison(true, answer, (_matches(true_edge, answer_edge, true_reached, answer_reached),))
            for true, true_edge, true_reached in drawn[: len(truths)]
        ]
        for answer, answer_edge, answer_reached in drawn[len(truths) :]
    ]


def _drawn(mask: int, element: Rows, seen: Window) -> tuple[int, int, int]:
    edge = boundary(mask, seen)
    return mask, edge, dilate(edge, element, seen.stride)


def _reach(element: Rows) -> int:
    return max(max(abs(first), abs(last)) for _, first, last in element)


def _matches(truth: int, answer: int, reached_by_truth: int, reached_by_answer: int) -> Matches:
    return Matches(
        truth.bit_count(),
        (truth & reached_by_answer).bit_count(),
        answer.bit_count(),
        (answer & reached_by_truth).bit_count(),
    )


def _comparison(truth: int, answer: int, boundaries: tuple[Matches, ...]) -> Comparison:
    return Comparison((truth & answer).bit_count(), (truth | answer).bit_count(), truth.bit_count(), boundaries)
