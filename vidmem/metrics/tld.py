"""Tracking with absence (Kalal et al. 2012, TLD): how many answers are right, and how many appearances are found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.boxes import Box, in_pairs, missing, overlap
from vidmem.metrics.protocol import ObjectScores, VideoScores


@dataclass(frozen=True)
class Tld:
    """Precision: right answers over answers. Recall: right answers over frames with the object. F: their harmonic mean.

    An answer is right when it overlaps the truth by more than `overlap`. All frames of all videos together.
    """

    overlap: float = 0.25  # Kalal et al. 2012
    skip_first: bool = True  # the first frame was given

    def score(
        self,
        truth: Iterable[Box | None],
        answers: Iterable[Box | None],
        video: str = "",
        size: tuple[int, int] | None = None,
    ) -> VideoScores:
        true, given = (each[int(self.skip_first) :] for each in in_pairs(truth, answers, video))
        present, answered = ~missing(true), ~missing(given)
        overlaps = np.where(present & answered, np.nan_to_num(overlap(true, given)), 0.0)
        return {1: {"overlap": overlaps, "present": present, "answered": answered}}

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        """1 for the precision of no answer and for the recall of no appearance."""
        right = int(np.count_nonzero(scores["overlap"] > self.overlap))
        answered, present = int(np.count_nonzero(scores["answered"])), int(np.count_nonzero(scores["present"]))
        precision = right / answered if answered else 1.0
        recall = right / present if present else 1.0
        both = precision + recall
        return {"precision": precision, "recall": recall, "F": 2 * precision * recall / both if both else 0.0}

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        rows = [scores for objects in videos.values() for scores in objects.values()]
        if not rows:
            raise InputError("No video was scored. Give at least one.")
        return self.summary({name: np.concatenate([row[name] for row in rows]) for name in rows[0]})
