"""DAVIS 2017, unsupervised (Caelles et al. 2019): up to 20 proposals a video, each matched to the object it fits best.

All frames count, void pixels do not. Proposals that match no object cost nothing; an object without one is scored
against empty masks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.assignment import assign
from vidmem.metrics.collect import table
from vidmem.metrics.compare import Comparison, compare_all
from vidmem.metrics.davis2017 import objects
from vidmem.metrics.labels import VOID, Labels, Masks, annotated
from vidmem.metrics.protocol import ObjectScores, VideoScores
from vidmem.metrics.statistics import Edges, averaged, summary

NONE = 0  # the proposal that is empty in every frame


@dataclass(frozen=True)
class Davis2017Unsupervised:
    proposals: int = 20  # the challenge's limit
    decay_edges: Edges = "exact"

    def score(self, truth: Iterable[Labels | None], answers: Iterable[Labels | None], video: str = "") -> VideoScores:
        ids: list[int] = []
        frames: list[dict[int, list[Comparison]]] = []  # proposal -> its comparison with each object
        for _, true, answer in annotated(truth, answers, video):
            ids = ids or objects(true)
            if not ids:
                raise InputError(
                    f"The first annotated frame of video {video!r} shows no object, so there is none to score."
                )
            if max(answer.ids, default=0) > self.proposals:
                raise InputError(
                    f"{answer.where} has the proposal {max(answer.ids)}. Number the proposals of a video 1 to "
                    f"{self.proposals}."
                )
            frames.append(_against_each_other(true, answer, ids))
        if not frames:
            raise InputError(f"Video {video!r} has no annotated frame.")
        highest = max(max(frame) for frame in frames)
        rows = [
            [table(frame.get(proposal, frame[NONE])[column] for frame in frames) for column in range(len(ids))]
            for proposal in range(1, max(highest, len(ids)) + 1)
        ]
        return {ids[column]: rows[row][column] for row, column in _best_pairs(rows)}

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        return summary(scores, self.decay_edges)

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        return averaged(self.summary(scores) for objects in videos.values() for scores in objects.values())


def _against_each_other(truth: Masks, answer: Masks, ids: list[int]) -> dict[int, list[Comparison]]:
    present = [NONE, *sorted(answer.ids)]
    counted = ~truth.packed(VOID)
    empty = np.zeros_like(counted)
    truths = [truth.packed(object_id) & counted for object_id in ids]
    answers = [empty if each == NONE else answer.packed(each) & counted for each in present]
    return dict(zip(present, compare_all(truths, answers, truth.size[1]), strict=True))


def _best_pairs(rows: list[list[ObjectScores]]) -> list[tuple[int, int]]:
    """Proposal and object of each pair, such that the mean of J and F is highest; both counted from 0."""
    fits = np.array([[(np.mean(each["J"]) + np.mean(each["F"])) / 2 for each in row] for row in rows])
    row, column = assign(fits)
    return sorted(zip(row.tolist(), column.tolist(), strict=True), key=lambda pair: pair[1])
