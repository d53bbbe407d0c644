"""Many objects at once (MOT): HOTA, MOTA and IDF1 of a set of videos, of one class of objects.

All boxes count: the distractors and ignored regions of a data set are to be taken out before.
The measures are written here and not taken from TrackEval: the package of that name works, but asks for a build of
OpenCV that overwrites the one without windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from vidmem.errors import InputError
from vidmem.metrics.boxes import Box
from vidmem.metrics.clear_mot import Form, clear_counts, mota
from vidmem.metrics.hota import hota, hota_counts
from vidmem.metrics.identity import identity_counts, idf1
from vidmem.metrics.tracks import Meetings, meet

TrackCounts = dict[str, dict[str, Any]]
"""A video's counts by measure: "HOTA", "IDF1", "MOTA"."""


class TrackProtocol(Protocol):
    """How a benchmark of many tracks scores. As `MaskProtocol`, with boxes; the set counts as a whole."""

    def score(
        self, truth: Iterable[Mapping[Any, Box] | None], answers: Iterable[Mapping[Any, Box] | None], video: str = ""
    ) -> TrackCounts:
        """One video: track id -> x0 y0 x1 y1, frame by frame. None as truth: not annotated, the frame is left out."""
        ...

    def overall(self, videos: Mapping[str, TrackCounts]) -> dict[str, float]:
        """The benchmark's numbers."""
        ...


@dataclass(frozen=True)
class Mot:
    overlap: float = 0.5  # of a pair, for IDF1 and MOTA
    clear: Form = "trackeval"

    def score(
        self, truth: Iterable[Mapping[Any, Box] | None], answers: Iterable[Mapping[Any, Box] | None], video: str = ""
    ) -> TrackCounts:
        return self.count(meet(truth, answers, video))

    def count(self, video: Meetings) -> TrackCounts:
        return {
            "HOTA": hota_counts(video),
            "IDF1": identity_counts(video, self.overlap),
            "MOTA": clear_counts(video, self.overlap, self.clear),
        }

    def overall(self, videos: Mapping[str, TrackCounts]) -> dict[str, float]:
        if not videos:
            raise InputError("No video was scored. Give at least one.")
        rows = list(videos.values())
        return {
            **hota(row["HOTA"] for row in rows),
            **idf1(row["IDF1"] for row in rows),
            **mota(row["MOTA"] for row in rows),
        }
