"""Pairing two sides, each member at most once, so that the sum of the pairs' worth is highest."""

from __future__ import annotations

import numpy as np

from vidmem.errors import UsageError


def assign(worth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, M) -> the rows and the columns of min(N, M) pairs. Raises UsageError without SciPy."""
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError as missing:
        raise UsageError("Matching objects to answers needs SciPy: pip install 'vidmem[metrics]'") from missing
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return rows, columns
