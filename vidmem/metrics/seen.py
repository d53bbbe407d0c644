"""Scores of seen and unseen objects, the mean of which LVOS and YouTube-VOS report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.protocol import ObjectScores, VideoScores


def split(
    videos: Mapping[str, VideoScores],
    is_unseen: Callable[[str, int], bool] | None,
    summary: Callable[[ObjectScores], dict[str, float]],
    measures: tuple[str, ...],
) -> dict[str, float]:
    """Of each measure the mean over seen objects, over unseen ones, and the mean of both; J&F from J and F.

    Without `is_unseen` the plain mean over all objects.
    Raises InputError when there is no object, or none on one of the sides.
    """
    rows = list(_rows(videos, summary))
    if not rows:
        raise InputError("No object was scored. Give at least one video whose scored frames show an object.")
    if is_unseen is None:
        numbers = {measure: _mean([row[measure] for _, _, row in rows]) for measure in measures}
    else:
        sides = {"seen": [], "unseen": []}
        for video, object_id, row in rows:
            sides["unseen" if is_unseen(video, object_id) else "seen"].append(row)
        for side, its in sides.items():
            if not its:
                raise InputError(
                    f"No {side} object was scored, so the mean of seen and unseen is undefined. Score the whole split, "
                    "or leave `unseen` out for a plain mean."
                )
        parts = {
            f"{measure}-{side}": _mean([row[measure] for row in its])
            for measure in measures
            for side, its in sides.items()
        }
        numbers = {measure: (parts[f"{measure}-seen"] + parts[f"{measure}-unseen"]) / 2 for measure in measures} | parts
    return {"J&F": (numbers["J"] + numbers["F"]) / 2} | numbers


def _rows(
    videos: Mapping[str, VideoScores], summary: Callable[[ObjectScores], dict[str, float]]
) -> Iterator[tuple[str, int, dict[str, float]]]:
    for video, objects in videos.items():
        for object_id, scores in objects.items():
            yield video, object_id, summary(scores)


def _mean(values: list[float]) -> float:
    return float(np.mean(values))
