"""SA-V (Ravi et al. 2024, SAM 2): each object on its own annotated frames, without the first and last of them.

Give the truth as object id -> mask, with the objects that are annotated in that frame; their masks may overlap. Label
images are counted by the rule of `vos_benchmark`, as SA-V's tool does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from vidmem.metrics.collect import compare_object
from vidmem.metrics.compare import Comparison
from vidmem.metrics.labels import Labels, annotated, without_ends
from vidmem.metrics.protocol import ObjectScores, VideoScores
from vidmem.metrics.statistics import Edges, averaged, summary
from vidmem.metrics.vos_benchmark import from_first_sight, since_first_sight


@dataclass(frozen=True)
class SaV:
    """An object that none of its scored frames shows is left out; the official tool stops there."""

    skip_first: bool = True
    skip_last: bool = True
    decay_edges: Edges = "exact"

    def score(self, truth: Iterable[Labels | None], answers: Iterable[Labels | None], video: str = "") -> VideoScores:
        frames = annotated(truth, answers, video)
        first = next(frames, None)
        if first is None:
            return {}
        frames = chain([first], frames)
        if isinstance(first[1].labels, np.ndarray):
            return from_first_sight(without_ends(frames, self.skip_first, self.skip_last))
        found: dict[int, list[Comparison]] = {}
        for _, true, answer in frames:
            for object_id in true.named:
                found.setdefault(object_id, []).append(compare_object(true, answer, object_id))
        inner = slice(int(self.skip_first), -1 if self.skip_last else None)
        return since_first_sight({object_id: row[inner] for object_id, row in found.items()})

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        return summary(scores, self.decay_edges)

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        return averaged(self.summary(scores) for objects in videos.values() for scores in objects.values())
