"""LVOS v1 and v2 (Hong et al. 2023, 2024): each object in its own range of frames, seen and unseen kinds alike.

V, the variability, says how much an object's J&F sways from frame to frame; lower is better. The official tool rounds
the variance to four digits before it takes the root, and so does this.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.collect import compare_object, table
from vidmem.metrics.compare import Comparison
from vidmem.metrics.labels import Labels, annotated
from vidmem.metrics.protocol import ObjectScores, VideoScores
from vidmem.metrics.seen import split
from vidmem.metrics.statistics import mean

Ranges = Mapping[str, Mapping[int, Collection[int]]]
"""Video -> object -> its annotated frames, as positions in the stream of frames that is scored."""


@dataclass(frozen=True)
class Lvos:
    """The first and the last frame of an object's range do not count.

    Without `ranges` an object's range is every annotated frame from the first that shows it to the end of the video.
    """

    unseen: Collection[str] | None = None  # names of videos, the tool's unseen_videos.txt; None: no split
    ranges: Ranges | None = None  # of {valid,test}_meta.json, by `ranges_of`
    digits: int | None = 4  # of the variance inside the root; None: not rounded

    def score(self, truth: Iterable[Labels | None], answers: Iterable[Labels | None], video: str = "") -> VideoScores:
        ranges = self._ranges(video)
        found: dict[int, dict[int, Comparison]] = {object_id: {} for object_id in ranges or ()}
        for position, true, answer in annotated(truth, answers, video):
            if ranges is None:
                found |= {object_id: {} for object_id in true.ids if object_id not in found}
            for object_id, row in found.items():
                if ranges is None or position in ranges[object_id]:
                    row[position] = compare_object(true, answer, object_id)
        scores = {}
        for object_id, row in sorted(found.items()):
            if ranges and (missing := set(ranges[object_id]) - row.keys()):
                raise InputError(
                    f"Object {object_id} of video {video!r} should be annotated in frame {min(missing)}, but the truth "
                    "has no mask there. Ranges are positions in the stream of frames, the first is 0."
                )
            if len(row) < 3:
                raise InputError(
                    f"Object {object_id} of video {video!r} is annotated in {len(row)} frames; without its first and "
                    "last none is left to score."
                )
            scores[object_id] = table([row[position] for position in sorted(row)][1:-1])
        return scores

    def _ranges(self, video: str) -> Mapping[int, Collection[int]] | None:
        if self.ranges is None:
            return None
        if video not in self.ranges:
            raise InputError(f"The ranges name no video {video!r}. Pass the name that the meta file has.")
        return self.ranges[video]

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        j, f = mean(scores["J"]), mean(scores["F"])
        return {"J&F": (j + f) / 2, "J": j, "F": f, "V": variability(scores, self.digits)}

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        unseen = self.unseen
        is_unseen = None if unseen is None else lambda video, object_id: video in unseen
        return split(videos, is_unseen, self.summary, ("J", "F", "V"))


def variability(scores: ObjectScores, digits: int | None = 4) -> float:
    """The standard deviation of J&F over the frames of an object, its square rounded to `digits`."""
    both = (scores["J"] + scores["F"]) / 2
    variance = float(np.sum((both.mean() - both) ** 2) / len(both))
    return math.sqrt(variance if digits is None else round(variance, digits))


def ranges_of(meta: Mapping, first: int = 1, step: int = 5) -> Ranges:
    """The content of LVOS's {valid,test}_meta.json as ranges.

    first: the number in the name of the first frame of each stream     step: from one annotated frame to the next
    """
    return {
        video: {
            int(object_id): range(
                int(about["frame_range"]["start"]) - first, int(about["frame_range"]["end"]) - first, step
            )
            for object_id, about in content["objects"].items()
        }
        for video, content in meta["videos"].items()
    }
