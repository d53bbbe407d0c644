"""The non-negative Lasso by coordinate descent: a vector as a sum of few others."""

from __future__ import annotations

import numpy as np


def non_negative_lasso(
    columns: np.ndarray, wanted: np.ndarray, penalty: float, ridge: float = 1e-6, sweeps: int = 100, rest: float = 1e-4
) -> np.ndarray:
    """(N,) float64, all 0 or more: argmin  |wanted - columns psi|^2 / 2 + penalty sum(psi) + ridge |psi|^2 / 2.

    columns (D, N)   wanted (D,). The ridge makes the answer one where columns are alike. It ends when no coefficient
    moved by `rest` in a sweep, or after so many sweeps.

    [R] The problem is RMSCL's (arXiv 2309.15274); [C] the solver, its stopping rule and the ridge are ours.
    """
    columns, wanted = columns.astype(np.float64), wanted.astype(np.float64)
    alike = columns.T @ columns + ridge * np.eye(columns.shape[1])
    pull = columns.T @ wanted - penalty  # of each column alone
    size = np.diag(alike)
    psi = np.zeros(columns.shape[1])
    for _ in range(sweeps):
        moved = 0.0
        for n in range(len(psi)):
            new = max(0.0, psi[n] + (pull[n] - alike[n] @ psi) / size[n])
            moved = max(moved, abs(new - psi[n]))
            psi[n] = new
        if moved < rest:
            break
    return psi
