"""Boxes of one object, frame by frame: overlaps, errors of the centre, and what the box protocols promise.

A box is x0 y0 x1 y1 in pixels, x1 and y1 where its width and height end; None where there is none. Data sets that
store x, y, width and height give x0 = x, x1 = x + width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Protocol

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.labels import ENDED, Ended
from vidmem.metrics.protocol import ObjectScores, VideoScores

Box = Sequence[float]
"""x0 y0 x1 y1 in pixels."""


class BoxProtocol(Protocol):
    """How a benchmark of one box a frame scores. As `MaskProtocol`, but with boxes; the object is called 1."""

    def score(
        self,
        truth: Iterable[Box | None],
        answers: Iterable[Box | None],
        video: str = "",
        size: tuple[int, int] | None = None,
    ) -> VideoScores:
        """One video.

        truth: a box for every frame, None where the object is absent     answers: as many, None where nothing is
        answered video: its name, for messages     size: (H, W) of its frames, for protocols that cut boxes at the
        border
        """
        ...

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        """The numbers of one video."""
        ...

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        """The benchmark's numbers."""
        ...


def in_pairs(
    truth: Iterable[Box | None], answers: Iterable[Box | None], video: str = ""
) -> tuple[np.ndarray, np.ndarray]:
    """(T, 4) truth and (T, 4) answers, a row of NaN for each None. Raises InputError when one side ends early."""
    clip = f"video {video!r}" if video else "the video"
    sides = ([], [])
    for frame, pair in enumerate(zip_longest(truth, answers, fillvalue=ENDED)):
        for name, side, box in zip(("truth", "answer"), sides, pair, strict=True):
            if isinstance(box, Ended):
                raise InputError(f"Of {clip} one side ends after {frame} frames. Give one {name} for each frame.")
            if box is not None and len(box) != 4:
                raise InputError(
                    f"The {name} for frame {frame} of {clip} has {len(box)} numbers. A box is x0 y0 x1 y1; of a "
                    "rotated one give the upright box about it."
                )
            side.append([np.nan] * 4 if box is None else [float(each) for each in box])
    if not sides[0]:
        raise InputError(f"There is no frame in {clip}. Give one box, or None, for each frame.")
    return np.array(sides[0]), np.array(sides[1])


def extent(boxes: np.ndarray) -> np.ndarray:
    """(..., 4) -> (..., 2) width and height."""
    return boxes[..., 2:] - boxes[..., :2]


def centre(boxes: np.ndarray) -> np.ndarray:
    """(..., 4) -> (..., 2) x and y."""
    return boxes[..., :2] + extent(boxes) / 2


def overlap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Shared over joint area, (..., 4) and (..., 4) -> (...); NaN where a box is, or where both have no area.

    The toolkits that take 1 off the far corners and add it to the sides give the same, to the last digit where boxes
    are whole numbers.
    """
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    shared = np.maximum(sides, 0).prod(-1)
    joint = extent(one).prod(-1) + extent(other).prod(-1) - shared
    with np.errstate(divide="ignore", invalid="ignore"):
        return shared / joint


def distance(one: np.ndarray, other: np.ndarray, scale: np.ndarray | float = 1.0) -> np.ndarray:
    """Between the centres, (..., 4) and (..., 4) -> (...), in pixels or, with `scale` (..., 2), in units of it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt((((centre(one) - centre(other)) / scale) ** 2).sum(-1))


def missing(boxes: np.ndarray) -> np.ndarray:
    """(T,) bool: where there is no box."""
    return np.asarray(np.isnan(boxes).any(-1))
