"""OTB (Wu et al. 2013, 2015): success, the area under the curve of overlaps, and precision at 20 pixels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vidmem.metrics import one_pass
from vidmem.metrics.boxes import Box, in_pairs
from vidmem.metrics.protocol import ObjectScores, VideoScores

MEASURES = ("success", "precision")


@dataclass(frozen=True)
class Otb:
    """Every frame counts, the first one by the truth itself (but in PySOT's form, which takes the answer)."""

    form: one_pass.Form = "official"

    def score(
        self,
        truth: Iterable[Box | None],
        answers: Iterable[Box | None],
        video: str = "",
        size: tuple[int, int] | None = None,
    ) -> VideoScores:
        return {1: one_pass.FORMS[self.form](*in_pairs(truth, answers, video))}

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        numbers = one_pass.summary(scores, self.form)
        return {name: numbers[name] for name in MEASURES}

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        numbers = one_pass.averaged(videos, self.form)
        return {name: numbers[name] for name in MEASURES}
