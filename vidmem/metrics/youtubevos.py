"""YouTube-VOS 2018 and 2019 (Xu et al. 2018) for local use; official scores come from a server, its code is not public.

An object counts on the annotated frames after the first that shows it. G, here "J&F", is the mean of J and F of seen
and of unseen kinds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from vidmem.metrics.collect import compare_object, table
from vidmem.metrics.compare import Comparison
from vidmem.metrics.labels import VOID, Labels, annotated
from vidmem.metrics.protocol import ObjectScores, VideoScores
from vidmem.metrics.seen import split
from vidmem.metrics.statistics import mean


@dataclass(frozen=True)
class YouTubeVos:
    """An object that no annotated frame follows is not scored."""

    unseen: Collection[tuple[str, int]] | None = None  # (video, object) of a kind that no training video shows

    def score(self, truth: Iterable[Labels | None], answers: Iterable[Labels | None], video: str = "") -> VideoScores:
        found: dict[int, list[Comparison]] = {}
        for _, true, answer in annotated(truth, answers, video):
            for object_id, row in found.items():
                row.append(compare_object(true, answer, object_id))
            for object_id in true.ids - {VOID}:
                found.setdefault(object_id, [])
        return {object_id: table(row) for object_id, row in sorted(found.items()) if row}

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        j, f = mean(scores["J"]), mean(scores["F"])
        return {"J&F": (j + f) / 2, "J": j, "F": f}

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        unseen = self.unseen
        is_unseen = None if unseen is None else lambda video, object_id: (video, object_id) in unseen
        return split(videos, is_unseen, self.summary, ("J", "F"))
