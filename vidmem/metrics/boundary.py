"""F, the boundary accuracy of DAVIS (Perazzi et al. 2016, 4), and Ḟ of MOSE v2, whose tolerance follows the object."""

from __future__ import annotations

import numpy as np

from vidmem.metrics.bits import pack
from vidmem.metrics.compare import compare
from vidmem.metrics.radius import Radius, adaptive, davis


def boundary_accuracy(
    truth: np.ndarray, answer: np.ndarray, void: np.ndarray | None = None, radius: Radius = davis
) -> float:
    """The harmonic mean of how much of each boundary lies within `radius` of the other; 1 when neither has one.

    truth, answer: (H, W) bool     void: (H, W) bool, pixels that are taken out of both masks before their boundaries
    """
    if void is not None:
        truth, answer = truth & ~void, answer & ~void
    return compare(pack(truth), pack(answer), truth.shape[1], (radius,)).f()


def adaptive_boundary_accuracy(truth: np.ndarray, answer: np.ndarray, void: np.ndarray | None = None) -> float:
    """Ḟ of MOSE v2: boundary accuracy by `radius.adaptive`."""
    return boundary_accuracy(truth, answer, void, adaptive)
