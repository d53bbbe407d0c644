"""VOT with resets, to 2019 (Kristan et al. 2016, 2018): accuracy, robustness and expected average overlap, EAO.

The tracker is stopped when it loses the object and started anew some frames later. Its answer for a frame is a box,
or one of the marks START, LOST and SKIPPED, as in VOT's result files. Overlaps here are those of the boxes
themselves, cut at the border; VOT's toolkit draws them on the pixel grid first, so its numbers may differ in the
third digit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from numbers import Integral
from typing import Any

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.boxes import Box, in_pairs, missing, overlap
from vidmem.metrics.protocol import ObjectScores, VideoScores


class Mark(IntEnum):
    """What VOT's result files hold in place of a box."""

    SKIPPED = 0
    START = 1
    LOST = 2


NONE = -1  # a box was answered


@dataclass(frozen=True)
class VotSupervised:
    """Several runs of a video: give each a name of its own, for every video equally many."""

    burn_in: int = 10  # frames behind a start that accuracy leaves out
    low: int = 100  # the shortest and the longest run that EAO averages over, VOT 2017 and 2018
    high: int = 356
    sensitivity: float = 30.0  # frames: robustness is the chance to track that long without losing the object

    def score(
        self,
        truth: Iterable[Box | None],
        answers: Iterable[Box | int | None],
        video: str = "",
        size: tuple[int, int] | None = None,
    ) -> VideoScores:
        """As `BoxProtocol.score`; an answer may be a mark. Raises InputError unless starts and losses take turns."""
        given: list[Any] = list(answers)
        marks = np.array([int(each) if isinstance(each, Integral) else NONE for each in given])
        if not len(marks) or marks[0] != Mark.START:
            raise InputError(f"The first answer for video {video!r} is no START (1). VOT starts in the first frame.")
        turns = marks[(marks == Mark.START) | (marks == Mark.LOST)]
        if (turns[::2] != Mark.START).any() or (turns[1::2] != Mark.LOST).any():
            raise InputError(
                f"In video {video!r} starts (1) and losses (2) do not take turns. Each start ends at its loss."
            )
        boxes = [None if each is None or isinstance(each, Integral) else list(each) for each in given]
        true, found = in_pairs(truth, boxes, video)
        return {1: {"overlap": bounded_overlap(true, found, size), "mark": marks}}

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        """One run. EAO is NaN when no run is as long as `low`."""
        return self.overall({"": {1: scores}})

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        """accuracy, failures: the mean over videos by their length
        robustness: exp(-sensitivity failures / length)
        """
        runs = [scores for objects in videos.values() for scores in objects.values()]
        if not runs:
            raise InputError("No video was scored. Give at least one.")
        lengths = np.array([len(run["overlap"]) for run in runs], np.float64)
        accuracy = float(np.average([_accuracy(run, self.burn_in) for run in runs], weights=lengths))
        failures = float(np.average([np.count_nonzero(run["mark"] == Mark.LOST) for run in runs], weights=lengths))
        curve = expected_overlap(list(chain.from_iterable(map(stretches, runs))))
        window = curve[self.low : self.high + 1]
        return {
            "EAO": float(window.mean()) if len(window) else float("nan"),
            "accuracy": accuracy,
            "robustness": math.exp(-self.sensitivity * failures / float(lengths.mean())),
            "failures": failures,
        }


def bounded_overlap(truth: np.ndarray, answers: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """(T,) overlaps of boxes cut at the border of a (H, W) frame; 1 where neither side has one, 0 where one lacks."""
    if size is not None:
        border = np.array([size[1], size[0]] * 2, np.float64)
        truth, answers = np.clip(truth, 0, border), np.clip(answers, 0, border)
    overlaps = np.nan_to_num(overlap(truth, answers), nan=0.0)
    return np.where(missing(truth) & missing(answers), 1.0, overlaps)


def stretches(run: ObjectScores) -> list[tuple[np.ndarray, bool]]:
    """The overlaps from each start to its loss or to the end, and whether it lasted to the end."""
    starts, losses = np.flatnonzero(run["mark"] == Mark.START), np.flatnonzero(run["mark"] == Mark.LOST)
    ends = [*((int(loss), False) for loss in losses), (len(run["mark"]), True)]
    return [(run["overlap"][start:end], lasted) for start, (end, lasted) in zip(starts, ends, strict=False)]


def expected_overlap(runs: list[tuple[np.ndarray, bool]]) -> np.ndarray:
    """The EAO curve: at place L the mean over runs of the mean overlap of their frames 1 to L, the start left out.

    A run that lost the object goes on with zeros; one that lasted counts as far as it goes. NaN where no run counts.
    """
    longest = max(len(overlaps) for overlaps, _ in runs)
    values, counted = np.zeros((len(runs), longest)), np.zeros((len(runs), longest), bool)
    for row, (overlaps, lasted) in enumerate(runs):
        values[row, : len(overlaps)] = overlaps
        counted[row, : len(overlaps) if lasted else longest] = True
    sums = np.cumsum(values[:, 1:], 1) / np.arange(1, longest)
    means = np.concatenate([values[:, :1], sums], 1)
    with np.errstate(invalid="ignore"):
        return (means * counted).sum(0) / counted.sum(0)


def _accuracy(run: ObjectScores, burn_in: int) -> float:
    kept = run["mark"] == NONE
    for start in np.flatnonzero(run["mark"] == Mark.START):
        kept[start : start + burn_in] = False
    return float(run["overlap"][kept].mean()) if kept.any() else 0.0
