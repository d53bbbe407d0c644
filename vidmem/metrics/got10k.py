"""GOT-10k (Huang et al. 2019): average overlap AO, and the shares SR of frames above 0.5 and 0.75.

The first frame does not count, nor do frames where the object is absent (truth None, the set's cover of 0). The mean
is over all frames of all videos, so long videos weigh more. The class-balanced means of the paper are not in its
code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.boxes import Box, extent, in_pairs, missing
from vidmem.metrics.one_pass import with_epsilon
from vidmem.metrics.protocol import ObjectScores, VideoScores


@dataclass(frozen=True)
class Got10k:
    """Boxes are cut at the border as its toolkit does it: one that begins outside is moved in with its size kept."""

    def score(
        self,
        truth: Iterable[Box | None],
        answers: Iterable[Box | None],
        video: str = "",
        size: tuple[int, int] | None = None,
    ) -> VideoScores:
        if size is None:
            raise InputError(f"GOT-10k cuts boxes at the border, so it needs the size of video {video!r}: size=(H, W).")
        true, given = in_pairs(truth, answers, video)
        there = ~missing(true)
        there[0] = False
        return {1: {"overlap": with_epsilon(_cut(true[there], size), _cut(given[there], size))}}

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        """An answer of None overlaps nothing. NaN when no frame counts."""
        overlaps = np.nan_to_num(scores["overlap"], nan=0.0)
        if not len(overlaps):
            return dict.fromkeys(("AO", "SR.5", "SR.75"), float("nan"))
        return {
            "AO": float(overlaps.mean()),
            "SR.5": float((overlaps > 0.5).mean()),
            "SR.75": float((overlaps > 0.75).mean()),
        }

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        overlaps = [scores["overlap"] for objects in videos.values() for scores in objects.values()]
        if not sum(map(len, overlaps)):
            raise InputError("No frame was scored. Give a video whose object is present behind its first frame.")
        return self.summary({"overlap": np.concatenate(overlaps)})


def _cut(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    border = np.array([size[1], size[0]], np.float64)
    start = np.clip(boxes[:, :2], 0, border)
    return np.concatenate([start, start + np.clip(extent(boxes), 0, border - start)], -1)
