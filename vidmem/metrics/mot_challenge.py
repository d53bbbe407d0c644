"""What MOTChallenge takes away before it scores (Milan et al., arXiv 1603.00831, section 4.1.3; TrackEval).

An answer that meets a thing nobody is to blame for tracking (a person on a vehicle, a reflection, ...) is left out, as
is every true box that is of no pedestrian or not to be scored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from vidmem.metrics.assignment import assign
from vidmem.metrics.boxes import Box
from vidmem.metrics.detections import overlaps

PEDESTRIAN = 1
NOT_ASKED = frozenset({2, 7, 8, 12})  # person on vehicle, static person, distractor, reflection
NOT_ASKED_MOT20 = NOT_ASKED | {6}  # and vehicles without a motor
OVERLAP = 0.5  # that makes a match
EPSILON = float(np.finfo(np.float64).eps)


class Marked(NamedTuple):
    """A true box with what MOTChallenge says of it."""

    track_id: int
    box: Box
    class_id: int = PEDESTRIAN
    is_scored: bool = True


def scored_of(
    truth: tuple[Marked, ...], answers: Mapping[Any, Box], not_asked: frozenset[int] = NOT_ASKED
) -> tuple[dict[int, Box], dict[Any, Box]]:
    """One frame: the true tracks that count, and the answers without those that met a thing that is not asked for."""
    left = dict(answers)
    if truth and answers and any(each.class_id in not_asked for each in truth):
        ids = list(answers)
        shared = overlaps(
            np.array([each.box for each in truth], np.float64), np.array([answers[each] for each in ids], np.float64)
        )
        shared[shared < OVERLAP - EPSILON] = 0
        for row, column in zip(*assign(shared), strict=True):
            if shared[row, column] > EPSILON and truth[row].class_id in not_asked:
                del left[ids[column]]
    counted = {each.track_id: each.box for each in truth if each.is_scored and each.class_id == PEDESTRIAN}
    return counted, left
