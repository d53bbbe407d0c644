"""DAVIS 2016 (Perazzi et al. 2016): one foreground, however many objects it has, without the first and last frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vidmem.errors import InputError
from vidmem.metrics.collect import table
from vidmem.metrics.compare import compare
from vidmem.metrics.labels import Labels, annotated, without_ends
from vidmem.metrics.protocol import ObjectScores, VideoScores
from vidmem.metrics.statistics import Edges, averaged, summary


@dataclass(frozen=True)
class Davis2016:
    """Every label that is not 0 is the object, which is called 1."""

    decay_edges: Edges = "exact"

    def score(self, truth: Iterable[Labels | None], answers: Iterable[Labels | None], video: str = "") -> VideoScores:
        scores = table(
            compare(true.foreground(), answer.foreground(), true.size[1])
            for _, true, answer in without_ends(annotated(truth, answers, video))
        )
        if not len(scores["J"]):
            raise InputError(f"Video {video!r} has no frame between its first and last. DAVIS needs three or more.")
        return {1: scores}

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        return summary(scores, self.decay_edges)

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        return averaged(self.summary(scores) for objects in videos.values() for scores in objects.values())
