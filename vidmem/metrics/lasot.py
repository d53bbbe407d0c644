"""LaSOT and its extension (Fan et al. 2019, 2021): success, precision and normalised precision of long videos.

Four toolkits are in use; their numbers differ, so say which. None as truth means that the object is absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vidmem.metrics import one_pass
from vidmem.metrics.boxes import Box, in_pairs
from vidmem.metrics.protocol import ObjectScores, VideoScores


@dataclass(frozen=True)
class Lasot:
    form: one_pass.Form = "official"
    exclude_invalid: bool = False  # PyTracking's option; its own default

    def score(
        self,
        truth: Iterable[Box | None],
        answers: Iterable[Box | None],
        video: str = "",
        size: tuple[int, int] | None = None,
    ) -> VideoScores:
        true, given = in_pairs(truth, answers, video)
        if self.form == "pytracking":
            return {1: one_pass.pytracking(true, given, self.exclude_invalid)}
        return {1: one_pass.FORMS[self.form](true, given)}

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        return one_pass.summary(scores, self.form)

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        return one_pass.averaged(videos, self.form)
