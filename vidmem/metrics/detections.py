"""What the metrics of detection take as a frame: the true objects, and scored answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.labels import ENDED, Ended


@dataclass(frozen=True, eq=False)
class TrueObjects:
    """The objects of one frame, M of them."""

    boxes: np.ndarray  # (M, 4) x0 y0 x1 y1 in pixels
    classes: np.ndarray  # (M,) whole numbers
    motion: np.ndarray | None = None  # (M,) motion IoU, 0 to 1; for scores by speed
    crowd: np.ndarray | None = None  # (M,) bool: neither counts nor costs: a region of many (COCO), difficult (VOC)
    areas: np.ndarray | None = None  # (M,) pixels, where a data set gives them; of the box or mask otherwise
    masks: Sequence[np.ndarray] | None = None  # M times (H, W) bool; for mask AP


@dataclass(frozen=True, eq=False)
class Detections:
    """What was answered for one frame, N boxes."""

    boxes: np.ndarray  # (N, 4) x0 y0 x1 y1 in pixels
    classes: np.ndarray  # (N,) whole numbers
    scores: np.ndarray  # (N,) the higher, the surer
    masks: Sequence[np.ndarray] | None = None  # N times (H, W) bool; for mask AP


DetectionScores = dict[str, np.ndarray]
"""A video's matches, in a form that only its protocol reads."""


class DetectionProtocol(Protocol):
    """How a benchmark of detection scores. As `MaskProtocol`, but precision belongs to a whole set of videos."""

    def score(
        self, truth: Iterable[TrueObjects | None], answers: Iterable[Detections | None], video: str = ""
    ) -> DetectionScores:
        """One video, or one image, frame by frame. None as truth: not annotated, the frame is left out."""
        ...

    def overall(self, videos: Mapping[str, DetectionScores]) -> dict[str, float]:
        """The benchmark's numbers. Video name -> what `score` gave."""
        ...


def annotated_objects(
    truth: Iterable[TrueObjects | None], answers: Iterable[Detections | None], video: str = ""
) -> Iterator[tuple[TrueObjects, Detections]]:
    """Truth and answer of each annotated frame. Raises InputError for lengths that differ."""
    clip = f"video {video!r}" if video else "the video"
    for frame, (true, answer) in enumerate(zip_longest(truth, answers, fillvalue=ENDED)):
        if isinstance(true, Ended) or isinstance(answer, Ended):
            raise InputError(f"Of {clip} one side ends after {frame} frames. Give one answer for each true frame.")
        if true is None:
            continue
        if answer is None:
            raise InputError(f"Frame {frame} of {clip} is annotated but has no answer. Answer with no boxes instead.")
        for name, boxes, others in (
            ("truth", true.boxes, {"classes": true.classes, "motion": true.motion, "crowd": true.crowd}),
            ("answer", answer.boxes, {"classes": answer.classes, "scores": answer.scores}),
        ):
            count = len(boxes)
            wrong = [which for which, each in others.items() if each is not None and len(each) != count]
            if np.shape(boxes) not in ((count, 4), (0,)) or wrong:
                raise InputError(
                    f"The {name} for frame {frame} of {clip} has boxes of shape {np.shape(boxes)}"
                    + (f" but {len(others[wrong[0]])} {wrong[0]}." if wrong else ".")
                    + " Boxes are (N, 4), the rest (N,)."
                )
        yield true, answer


def overlaps(one: np.ndarray, other: np.ndarray, inclusive: bool = False) -> np.ndarray:
    """(N, 4) and (M, 4) -> (N, M) shared over joint area. inclusive: the far corner is a pixel of the box (VOC)."""
    one, other = np.reshape(one, (-1, 1, 4)), np.reshape(other, (1, -1, 4))
    extra = one.dtype.type(1) if inclusive else one.dtype.type(0)
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2]) + extra
    shared = np.maximum(sides, 0).prod(-1)
    areas = [(each[..., 2:] - each[..., :2] + extra).prod(-1) for each in (one, other)]
    joint = areas[0] + areas[1] - shared
    return np.divide(shared, joint, out=np.zeros_like(shared), where=joint > 0)
