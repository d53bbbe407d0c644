"""IDF1 (Ristani et al. 2016): how many boxes bear the right identity, each answered track standing for one true one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vidmem.metrics.assignment import assign
from vidmem.metrics.tracks import Meetings

EPSILON = float(np.finfo(np.float64).eps)


def identity_counts(video: Meetings, overlap: float = 0.5) -> dict[str, int]:
    """IDTP, IDFN and IDFP: boxes of the right identity, true boxes without one, answered boxes without one.

    Tracks are paired so that the two last are fewest; a track may stay alone.
    """
    true, answered = len(video.true_frames), len(video.answered_frames)
    together = np.zeros((true, answered))
    for each in video.frames:
        together[each.true[:, None], each.answered[None]] += each.overlap >= overlap - EPSILON
    rows, columns = assign(together)  # one more box together is one fewer of each kind alone
    right = int(together[rows, columns].sum())
    return {"IDTP": right, "IDFN": video.true - right, "IDFP": video.answered - right}


def idf1(counts: Iterable[dict[str, int]]) -> dict[str, float]:
    """IDF1, IDP and IDR, all videos together. 0 where there is nothing to divide by."""
    rows = list(counts)
    right, missed, false = (sum(row[name] for row in rows) for name in ("IDTP", "IDFN", "IDFP"))
    return {
        "IDF1": right / max(1.0, right + missed / 2 + false / 2),
        "IDP": right / max(1, right + false),
        "IDR": right / max(1, right + missed),
    }
