"""Scores of a video, gathered object by object while its frames go by."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vidmem.metrics.compare import Comparison, compare
from vidmem.metrics.labels import Frame, Masks
from vidmem.metrics.protocol import VideoScores


def compare_object(truth: Masks, answer: Masks, object_id: int) -> Comparison:
    """One object of a frame, by the radius of DAVIS."""
    return compare(truth.packed(object_id), answer.packed(object_id), truth.size[1])


def collect(frames: Iterable[Frame], ids: Iterable[int]) -> VideoScores:
    """J and F of each of the objects in each of the frames."""
    rows: dict[int, list[tuple[float, float]]] = {object_id: [] for object_id in ids}
    for _, truth, answer in frames:
        for object_id, row in rows.items():
            found = compare_object(truth, answer, object_id)
            row.append((found.j(), found.boundaries[0].f()))
    return {object_id: table(row) for object_id, row in rows.items()}


def table(rows: list[tuple[float, float]]) -> dict[str, np.ndarray]:
    """Frame by frame (J, F) -> the arrays of each."""
    columns = np.array(rows, np.float64).reshape(-1, 2)
    return {"J": columns[:, 0].copy(), "F": columns[:, 1].copy()}
