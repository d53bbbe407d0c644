"""Motion IoU, by which ImageNet VID sorts objects into slow, medium and fast (Zhu et al. 2017, FGFA, 5.1)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vidmem.metrics.boxes import Box
from vidmem.metrics.detections import overlaps

REACH = 10  # frames before and behind

RANGES = {"all": (0.0, 1.0), "slow": (0.9, 1.0), "medium": (0.7, 0.9), "fast": (0.0, 0.7)}
"""The motion IoU of each kind, both ends included: at exactly 0.7 or 0.9 an object is of two kinds."""


def motion_ious(track: Mapping[int, Box], reach: int = REACH, inclusive: bool = True) -> dict[int, float]:
    """Frame -> the mean overlap of an object's box with its boxes in the `reach` frames before and behind.

    track: frame -> box. Frames without a box are passed over; a box with none near it has the motion IoU 0, as in the
    file that the evaluators share. inclusive: the far corner is a pixel of the box.
    """
    frames = np.array(sorted(track))
    boxes = np.array([track[frame] for frame in frames.tolist()], np.float64).reshape(-1, 4)
    apart = np.abs(frames[:, None] - frames[None])
    near = (apart <= reach) & (apart > 0)
    found = {}
    for row, frame in enumerate(frames.tolist()):
        others = near[row]
        found[frame] = float(overlaps(boxes[row], boxes[others], inclusive).mean()) if others.any() else 0.0
    return found
