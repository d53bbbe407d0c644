"""Long Videos (Liang et al. 2020, AFB-URR): three long videos of few annotated frames, counted as DAVIS 2017 counts.

Two conventions are in use, and their numbers differ: AFB-URR's own tool drops the first annotated frame alone; XMem
and its successors use the tool of DAVIS, which drops the last too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from vidmem.metrics.davis2017 import Davis2017
from vidmem.metrics.labels import Labels
from vidmem.metrics.protocol import ObjectScores, VideoScores
from vidmem.metrics.statistics import Edges


@dataclass(frozen=True)
class LongVideos:
    frames: Literal["xmem", "afb_urr"] = "xmem"
    decay_edges: Edges = "exact"

    def score(self, truth: Iterable[Labels | None], answers: Iterable[Labels | None], video: str = "") -> VideoScores:
        return self._counting().score(truth, answers, video)

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        return self._counting().summary(scores)

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        return self._counting().overall(videos)

    def _counting(self) -> Davis2017:
        return Davis2017(skip_last=self.frames == "xmem", decay_edges=self.decay_edges)
