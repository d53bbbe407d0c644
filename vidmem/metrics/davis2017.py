"""DAVIS 2017, semi-supervised (Pont-Tuset et al. 2017): the objects of the first frame, without the first and last.

As the official tool counts: ids run from 1 to the highest of the first frame, so an id that is left out there is an
object too, and void pixels belong to no object but are not left out of the measure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from vidmem.errors import InputError
from vidmem.metrics.collect import collect
from vidmem.metrics.labels import VOID, Frame, Labels, Masks, annotated, without_ends
from vidmem.metrics.protocol import ObjectScores, VideoScores
from vidmem.metrics.statistics import Edges, averaged, summary


@dataclass(frozen=True)
class Davis2017:
    skip_first: bool = True
    skip_last: bool = True
    decay_edges: Edges = "exact"

    def score(self, truth: Iterable[Labels | None], answers: Iterable[Labels | None], video: str = "") -> VideoScores:
        frames = annotated(truth, answers, video)
        first = next(frames, None)
        ids = objects(first[1]) if first else []
        if first is None or not ids:
            raise InputError(
                f"The first annotated frame of video {video!r} shows no object, so there is none to score."
            )
        counted = without_ends(chain([first], frames), self.skip_first, self.skip_last)
        scores = collect(known(counted, ids[-1]), ids)
        if not len(scores[ids[0]]["J"]):
            raise InputError(f"Video {video!r} has no frame left to score without its first and last.")
        return scores

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        return summary(scores, self.decay_edges)

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        return averaged(self.summary(scores) for objects in videos.values() for scores in objects.values())


def objects(masks: Masks) -> list[int]:
    """1 to the highest id of a label image; the ids that are named where every object has its own mask."""
    named = masks.ids - {VOID}
    return list(range(1, max(named, default=0) + 1))


def known(frames: Iterable[Frame], highest: int) -> Iterator[Frame]:
    """The frames as they are. Raises InputError at an answer with a higher id, as the official tool leaves there."""
    for position, truth, answer in frames:
        if answer.highest > highest:
            raise InputError(
                f"{answer.where} has the object {answer.highest}, but the video has only {highest}. "
                "Write the id of an object as it is in the first frame."
            )
        yield position, truth, answer
