"""HOTA, higher order tracking accuracy (Luiten et al. 2021): detection and association alike, over 19 overlaps."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vidmem.metrics.assignment import assign
from vidmem.metrics.tracks import Meetings

ALPHAS = np.arange(0.05, 0.99, 0.05)  # the overlaps that count as found
EPSILON = float(np.finfo(np.float64).eps)


def hota_counts(video: Meetings) -> dict[str, np.ndarray]:
    """For each of the 19 overlaps (19,): boxes found, missed and false, the overlaps and the association of the found.

    The last two are sums over the found, so that all of them add up over videos.
    """
    together = np.zeros((len(video.true_frames), len(video.answered_frames)))
    for each in video.frames:
        joint = each.overlap.sum(0)[None] + each.overlap.sum(1)[:, None] - each.overlap
        share = np.divide(each.overlap, joint, out=np.zeros_like(joint), where=joint > EPSILON)
        together[each.true[:, None], each.answered[None]] += share
    either = video.true_frames[:, None] + video.answered_frames[None]
    alignment = together / np.maximum(either - together, EPSILON)

    found, overlap = np.zeros(len(ALPHAS)), np.zeros(len(ALPHAS))
    pairs = np.zeros((len(ALPHAS), *together.shape))
    for each in video.frames:
        rows, columns = assign(alignment[each.true[:, None], each.answered[None]] * each.overlap)
        value = each.overlap[rows, columns]
        enough = value >= ALPHAS[:, None] - EPSILON  # (19, pairs)
        found += enough.sum(1)
        overlap += (enough * value).sum(1)
        pairs[:, each.true[rows], each.answered[columns]] += enough
    association = (pairs * pairs / np.maximum(1, either - pairs)).sum((1, 2))
    return {
        "found": found,
        "missed": video.true - found,
        "false": video.answered - found,
        "overlap": overlap,
        "association": association,
    }


def hota(counts: Iterable[dict[str, np.ndarray]]) -> dict[str, float]:
    """HOTA, and of what it is made: DetA, AssA and LocA. Each the mean over the 19 overlaps, all videos together."""
    rows = list(counts)
    total = {name: np.sum([row[name] for row in rows], axis=0) for name in rows[0]}
    found = total["found"]
    detection = found / np.maximum(1, found + total["missed"] + total["false"])
    association = total["association"] / np.maximum(1, found)
    location = np.maximum(1e-10, total["overlap"]) / np.maximum(1e-10, found)  # 1 where nothing is found
    return {
        "HOTA": float(np.sqrt(detection * association).mean()),
        "DetA": float(detection.mean()),
        "AssA": float(association.mean()),
        "LocA": float(location.mean()),
    }
