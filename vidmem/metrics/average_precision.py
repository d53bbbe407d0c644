"""From detections sorted by their scores to average precision, AP: the area under precision over recall."""

from __future__ import annotations

from typing import Literal

import numpy as np

Points = Literal["every", "eleven"]


def average_precision(
    scores: np.ndarray, right: np.ndarray, wrong: np.ndarray, objects: float, points: Points = "every"
) -> float:
    """Precision made monotone and summed over recall; NaN when there is no object to find.

    scores: (N,) of the detections     right, wrong: (N,) how much each counts as found and as false, 0 to 1
    objects: how many there are to find
    points: "every" change of recall (VOC 2010 and since, ILSVRC), or "eleven" recalls from 0 to 1 (VOC 2007)
    """
    if objects <= 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    found, false = np.cumsum(right[order], dtype=np.float64), np.cumsum(wrong[order], dtype=np.float64)
    recall, precision = found / objects, found / np.maximum(found + false, np.finfo(np.float64).eps)
    best = np.maximum.accumulate(precision[::-1])[::-1]  # at this recall or a higher one
    if points == "eleven":
        at = np.searchsorted(
            recall, np.arange(11) * 0.1, side="left"
        )  # 3, 6 and 7 tenths a hair above, as in VOC's tools
        return float(np.append(best, 0.0)[at].sum() / 11)
    return float(np.sum(np.diff(recall, prepend=0.0) * best))
