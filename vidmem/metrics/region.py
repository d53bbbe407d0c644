"""J, the region similarity of DAVIS (Perazzi et al. 2016, 4), and the smoothed form of MOSE v2."""

from __future__ import annotations

import numpy as np


def jaccard(truth: np.ndarray, answer: np.ndarray, void: np.ndarray | None = None) -> float:
    """Shared pixels over joint pixels; 1 when both are empty.

    truth, answer: (H, W) bool     void: (H, W) bool, pixels that count for nothing
    """
    shared, joint = _counts(truth, answer, void)
    return 1.0 if joint == 0 else shared / joint


def smoothed_jaccard(truth: np.ndarray, answer: np.ndarray, void: np.ndarray | None = None) -> float:
    """MOSE v2 adds a pixel to both counts: a total miss of N joint pixels scores 1 / (N + 1), not 0."""
    shared, joint = _counts(truth, answer, void)
    return (shared + 1) / (joint + 1)


def _counts(truth: np.ndarray, answer: np.ndarray, void: np.ndarray | None) -> tuple[int, int]:
    shared, joint = truth & answer, truth | answer
    if void is not None:
        shared, joint = shared & ~void, joint & ~void
    return int(np.count_nonzero(shared)), int(np.count_nonzero(joint))
