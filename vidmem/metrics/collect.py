"""Scores of a video, gathered object by object while its frames go by."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vidmem.metrics.compare import Comparison, compare
from vidmem.metrics.labels import Frame, Masks
from vidmem.metrics.protocol import ObjectScores, VideoScores
from vidmem.metrics.radius import Radius, davis


def compare_object(truth: Masks, answer: Masks, object_id: int, radii: tuple[Radius, ...] = (davis,)) -> Comparison:
    return compare(truth.packed(object_id), answer.packed(object_id), truth.size[1], radii)


def collect(frames: Iterable[Frame], ids: Iterable[int]) -> VideoScores:
    """J and F of each of the objects in each of the frames."""
    found: dict[int, list[Comparison]] = {object_id: [] for object_id in ids}
    for _, truth, answer in frames:
        for object_id, row in found.items():
            row.append(compare_object(truth, answer, object_id))
    return {object_id: table(row) for object_id, row in found.items()}


def table(found: Iterable[Comparison]) -> ObjectScores:
    """An object's frames in order -> its J and F, (T,) each."""
    rows = [(each.j(), each.f()) for each in found]
    columns = np.array(rows, np.float64).reshape(-1, 2)
    return {"J": columns[:, 0].copy(), "F": columns[:, 1].copy()}
