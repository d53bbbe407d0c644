"""What a protocol promises, so that a runner can treat all of them alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np

from vidmem.metrics.labels import Labels

ObjectScores = dict[str, np.ndarray]
"""Measure -> (T,) its value in each frame that was scored, for example "J" and "F"."""

VideoScores = dict[int, ObjectScores]
"""Object id -> its scores. Objects may have been scored on different frames."""


class MaskProtocol(Protocol):
    """How a benchmark of masks scores: which objects, which frames, which measures, and what is averaged over what.

    A frozen dataclass whose fields are the options of the benchmark. Scores are fractions, 0 to 1, unrounded.
    """

    def score(self, truth: Iterable[Labels | None], answers: Iterable[Labels | None], video: str = "") -> VideoScores:
        """One video, frame by frame; two frames at most are held at a time.

        truth: every frame in order, None where it is not annotated
        answers: as many frames; one may be None where the truth is None
        video: its name, where an option speaks of videos, and for messages
        Raises InputError for sizes or lengths that differ and for answers that the benchmark refuses.
        """
        ...

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        """The numbers of one object: "J&F", "J", "F" and what else the benchmark reports."""
        ...

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        """The benchmark's numbers: "J&F", "J", "F" first. Video name -> what `score` gave."""
        ...
