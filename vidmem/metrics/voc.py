"""Average precision of PASCAL VOC (Everingham et al. 2010), per class and its mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.average_precision import Points, average_precision
from vidmem.metrics.detections import Detections, DetectionScores, TrueObjects, annotated_objects, overlaps


@dataclass(frozen=True)
class Voc:
    """A detection belongs to the true box of its class that it overlaps most; it is right if it is the first there.

    A true object marked `crowd`, as VOC marks "difficult" ones, need not be found: detections there do not count.
    """

    overlap: float = 0.5
    points: Points = "every"  # "eleven": VOC 2007
    inclusive: bool = True  # the far corner is a pixel of the box

    def score(
        self, truth: Iterable[TrueObjects | None], answers: Iterable[Detections | None], video: str = ""
    ) -> DetectionScores:
        classes, scores, right, there = [], [], [], []
        for true, answer in annotated_objects(truth, answers, video):
            shared = overlaps(answer.boxes, true.boxes, self.inclusive)
            shared = np.where(np.equal.outer(answer.classes, true.classes), shared, -1.0)
            taken = np.zeros(len(true.boxes), bool)
            spared = np.zeros(len(true.boxes), bool) if true.crowd is None else np.asarray(true.crowd, bool)
            hits, counts = np.zeros(len(answer.boxes), bool), np.ones(len(answer.boxes), bool)
            for row in np.argsort(-np.asarray(answer.scores), kind="stable"):
                if not len(taken):
                    break
                best = int(shared[row].argmax())
                if shared[row, best] < self.overlap:
                    continue
                if spared[best]:
                    counts[row] = False
                elif not taken[best]:
                    hits[row] = taken[best] = True
            classes.append(np.asarray(answer.classes)[counts])
            scores.append(np.asarray(answer.scores)[counts])
            right.append(hits[counts])
            there.append(np.asarray(true.classes)[~spared])
        names = ("classes", "scores", "right", "objects")
        lists = (classes, scores, right, there)
        return {name: np.concatenate([np.zeros(0), *each]) for name, each in zip(names, lists, strict=True)}

    def overall(self, videos: Mapping[str, DetectionScores]) -> dict[str, float]:
        """ "AP", the mean over the classes that have an object, and "AP CLASS" for each of them."""
        joined = join(videos)
        by_class = {}
        for each in np.unique(joined["objects"]):
            mine = joined["classes"] == each
            right = joined["right"][mine]
            count = int(np.count_nonzero(joined["objects"] == each))
            by_class[int(each)] = average_precision(joined["scores"][mine], right, 1 - right, count, self.points)
        if not by_class:
            raise InputError(
                "No true object was given, so there is no precision. Give the truth of at least one frame."
            )
        return {"AP": float(np.mean(list(by_class.values())))} | {f"AP {each}": ap for each, ap in by_class.items()}


def join(videos: Mapping[str, DetectionScores]) -> DetectionScores:
    """All videos as one. Raises InputError when there is none."""
    if not videos:
        raise InputError("No video was scored. Give at least one.")
    rows = list(videos.values())
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
