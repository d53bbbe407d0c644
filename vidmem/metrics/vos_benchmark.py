"""The counting of vos-benchmark (Cheng), by which MOSE v1 and many others are scored: objects enter when first seen.

An object counts from the first scored frame in which the truth or the answer shows it. An object that only the answer
has is not averaged; it costs the pixels it takes from others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from vidmem.metrics.collect import compare_object, table
from vidmem.metrics.compare import Comparison
from vidmem.metrics.labels import Frame, Labels, annotated, without_ends
from vidmem.metrics.protocol import ObjectScores, VideoScores
from vidmem.metrics.statistics import Edges, averaged, summary


@dataclass(frozen=True)
class VosBenchmark:
    """Every label is an object, 255 too: what a data set means by void must be 0 before."""

    skip_first: bool = True
    skip_last: bool = True
    decay_edges: Edges = "exact"

    def score(self, truth: Iterable[Labels | None], answers: Iterable[Labels | None], video: str = "") -> VideoScores:
        frames = without_ends(annotated(truth, answers, video), self.skip_first, self.skip_last)
        return from_first_sight(frames)

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        return summary(scores, self.decay_edges)

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        return averaged(self.summary(scores) for objects in videos.values() for scores in objects.values())


def from_first_sight(frames: Iterable[Frame]) -> VideoScores:
    """J and F of every object of the truth, each from the first frame on in which one side shows it."""
    found: dict[int, list[Comparison]] = {}
    for _, truth, answer in frames:
        for object_id in truth.ids | answer.ids:
            found.setdefault(object_id, [])
        for object_id, row in found.items():
            row.append(compare_object(truth, answer, object_id))
    return since_first_sight(found)


def since_first_sight(found: Mapping[int, Sequence[Comparison]]) -> VideoScores:
    """The scores of the objects that the truth shows, without the frames before either side shows them."""
    scores = {}
    for object_id, row in sorted(found.items()):
        if any(each.truth for each in row):
            scores[object_id] = table(dropwhile(lambda each: each.joint == 0, row))
    return scores
