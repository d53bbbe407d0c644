"""One-pass evaluation of single-object trackers (Wu et al. 2013, OTB): success, precision and normalised precision.

The toolkits of the field agree on the curves, and differ in what becomes of frames that lack a box; each is a
function here that turns a video into its `ObjectScores`: "overlap" (T,) -1 where it cannot succeed; "centre error",
"normalised centre error" (T,) infinite where they cannot; "counted" (T,) whether the frame is one of those the share
is taken of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.boxes import distance, extent, missing, overlap
from vidmem.metrics.protocol import ObjectScores, VideoScores

Form = Literal["official", "pytracking", "pysot", "got10k"]

OVERLAPS = np.arange(21) * 0.05  # 0 .. 1, the overlap must be greater
PIXELS = np.arange(51)  # 0 .. 50, the error may be equal
SHARES = np.arange(51) / 100  # of the object's width and height
AT_PIXELS, AT_SHARE = 20, 20  # which of them is reported: 20 pixels, and a share of 0.20


def official(truth: np.ndarray, answers: np.ndarray) -> ObjectScores:
    """The MATLAB toolkits of OTB and LaSOT.

    An answer without area repeats the one before. The first answer is replaced by the truth, and counts. Absent
    frames count as failures. A true box that is not wholly at positive coordinates fails in overlap, succeeds in
    precision.
    """
    absent, invalid = missing(truth), _invalid(truth)
    given = repeated(answers, missing(answers) | (extent(answers) <= 0).any(-1))
    given[0] = truth[0]
    scores = _measured(truth, given)
    scores["overlap"][invalid] = -1
    for error in ("centre error", "normalised centre error"):
        scores[error][invalid] = -1
        scores[error][absent] = np.inf
    return scores


def pytracking(truth: np.ndarray, answers: np.ndarray, exclude_invalid: bool = False) -> ObjectScores:
    """PyTracking (visionml), as it treats LaSOT: as `official`, but a bad true box fails in precision too.

    exclude_invalid: absent frames and those with a bad true box are not counted.
    Raises InputError for answers that are missing or of negative extent.
    """
    if missing(answers).any() or (extent(answers) < 0).any():
        frame = int(np.flatnonzero(missing(answers) | (extent(answers) < 0).any(-1))[0])
        raise InputError(f"The answer for frame {frame} is no box. PyTracking's form needs one for each frame.")
    absent, invalid = missing(truth), _invalid(truth)
    given = repeated(answers, (extent(answers) == 0).any(-1))
    given[0] = truth[0]
    scores = _measured(truth, given)
    scores["overlap"][invalid] = -1
    scores["centre error"][invalid] = np.inf
    scores["normalised centre error"][invalid] = -1
    scores["normalised centre error"][absent] = np.inf
    if exclude_invalid:
        scores["counted"] = ~invalid
    return scores


def pysot(truth: np.ndarray, answers: np.ndarray) -> ObjectScores:
    """PySOT's toolkit, also mmtracking's: answers are taken as they come, the first too.

    Absent frames count as failures. A true centre outside the frame succeeds in precision.
    """
    absent, invalid = missing(truth), _invalid(truth)
    scores = _measured(truth, answers)
    scores["overlap"] = np.clip(scores["overlap"], 0, 1)
    scores["overlap"][invalid] = -1
    outside = (truth[:, :2] + (extent(truth) - 1) / 2 <= 0).any(-1)
    for error in ("centre error", "normalised centre error"):
        scores[error][outside] = -1
        scores[error][absent] = np.inf
    return scores


def got10k(truth: np.ndarray, answers: np.ndarray) -> ObjectScores:
    """The toolkit of GOT-10k for OTB and LaSOT: absence is not known to it.

    Frames without a true box are left out. It reads absent frames as they are annotated, mostly as a box of no area;
    to have its numbers to the digit, give such boxes in place of None.
    """
    given = answers.copy()
    given[0] = truth[0]
    there = ~missing(truth)
    scores = _measured(truth[there], given[there], np.maximum(1.0, extent(truth[there])))
    scores["overlap"] = with_epsilon(truth[there], given[there])
    return scores


FORMS = {"official": official, "pytracking": pytracking, "pysot": pysot, "got10k": got10k}


def with_epsilon(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Overlap as the toolkit of GOT-10k gives it: two boxes without area have none in common."""
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    shared = np.maximum(sides, 0).prod(-1)
    joint = extent(one).prod(-1) + extent(other).prod(-1) - shared
    return np.clip(shared / (joint + np.finfo(float).eps), 0.0, 1.0)


def repeated(boxes: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Each bad row but the first replaced by the row before it, which may be a replaced one."""
    bad = bad.copy()
    bad[0] = False
    source = np.maximum.accumulate(np.where(bad, 0, np.arange(len(boxes))))
    return boxes[source]


def summary(scores: Mapping[str, np.ndarray], form: Form = "official") -> dict[str, float]:
    """success: the area under the success curve     precision: the share of frames within 20 pixels
    normalised precision: within 0.20 of the object's size; of form "got10k" the area under the curve up to 0.50
    """
    counted = int(np.count_nonzero(scores["counted"]))
    if counted == 0:
        return dict.fromkeys(("success", "precision", "normalised precision"), float("nan"))
    shares = np.linspace(0, 0.5, 51) if form == "got10k" else SHARES
    success = (scores["overlap"][:, None] > OVERLAPS).sum(0) / counted
    precision = (scores["centre error"][:, None] <= PIXELS).sum(0) / counted
    normalised = (scores["normalised centre error"][:, None] <= shares).sum(0) / counted
    return {
        "success": float(success.mean()),
        "precision": float(precision[AT_PIXELS]),
        "normalised precision": float(normalised.mean() if form == "got10k" else normalised[AT_SHARE]),
    }


def averaged(videos: Mapping[str, VideoScores], form: Form = "official") -> dict[str, float]:
    """The mean over videos, however long each is. Raises InputError when there is none."""
    rows = [summary(scores, form) for objects in videos.values() for scores in objects.values()]
    if not rows:
        raise InputError("No video was scored. Give at least one.")
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _measured(truth: np.ndarray, answers: np.ndarray, scale: np.ndarray | None = None) -> ObjectScores:
    return {
        "overlap": overlap(truth, answers),
        "centre error": distance(truth, answers),
        "normalised centre error": distance(truth, answers, extent(truth) if scale is None else scale),
        "counted": np.ones(len(truth), bool),
    }


def _invalid(truth: np.ndarray) -> np.ndarray:
    """(T,) bool: no box, or x, y, width or height not above 0."""
    return np.asarray(~((truth[:, :2] > 0) & (extent(truth) > 0)).all(-1))
