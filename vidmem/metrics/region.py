"""J, the region similarity of DAVIS (Perazzi et al. 2016, 4)."""

from __future__ import annotations

import numpy as np


def jaccard(truth: np.ndarray, answer: np.ndarray) -> float:
    """Shared pixels over joint pixels; 1 when both are empty.     truth, answer (H, W) bool"""
    joint = np.count_nonzero(truth | answer)
    return 1.0 if joint == 0 else np.count_nonzero(truth & answer) / joint
