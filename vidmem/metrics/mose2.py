"""MOSE v2 (Ding et al. 2025): smoothed J, an Ḟ that follows the object's size, absence and return apart.

Here "F" is Ḟ and "J&F" is J&Ḟ, the number the challenge ranks by; "F-classic" is F by the frame's diagonal.
Disappearance: the stretches of frames where the object is gone, but for one it begins with. Reappearance: those after.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.collect import compare_object
from vidmem.metrics.compare import Comparison
from vidmem.metrics.labels import VOID, Labels, Masks, annotated, without_ends
from vidmem.metrics.protocol import ObjectScores, VideoScores
from vidmem.metrics.radius import adaptive, mose
from vidmem.metrics.statistics import mean

KINDS = ("disappearance", "reappearance")


@dataclass(frozen=True)
class Mose2:
    """The first and last frame do not count. Without `objects` those of the first annotated frame do."""

    objects: Mapping[str, Collection[int]] | None = None  # video -> its objects, as the data set's meta.json names them

    def score(self, truth: Iterable[Labels | None], answers: Iterable[Labels | None], video: str = "") -> VideoScores:
        frames = annotated(truth, answers, video)
        first = next(frames, None)
        ids = self._ids(video, first[1]) if first else []
        if first is None or not ids:
            raise InputError(
                f"The first annotated frame of video {video!r} shows no object, so there is none to score."
            )
        found: dict[int, list[Comparison]] = {object_id: [] for object_id in sorted(ids)}
        for _, true, answer in without_ends(chain([first], frames)):
            for object_id, row in found.items():
                row.append(compare_object(true, answer, object_id, (adaptive, mose)))
        if not next(iter(found.values())):
            raise InputError(f"Video {video!r} has no frame between its first and last. MOSE needs three or more.")
        return {object_id: _table(row) for object_id, row in found.items()}

    def _ids(self, video: str, first: Masks) -> Collection[int]:
        if self.objects is None:
            return first.ids - {VOID}
        if video not in self.objects:
            raise InputError(f"The objects name no video {video!r}. Pass the name that the meta file has.")
        return self.objects[video]

    def summary(self, scores: ObjectScores) -> dict[str, float]:
        """A number of disappearance or reappearance is NaN for an object that never went or came."""
        numbers = {"J": mean(scores["J"]), "F": mean(scores["F"]), "F-classic": mean(scores["F-classic"])}
        for name, absent in zip(KINDS, (True, False), strict=True):
            stretches = [each for each in _stretches(scores["absent"] > 0, absent) if each.start > 0]
            for measure in ("J", "F"):
                means = [scores[measure][each].mean() for each in stretches]
                numbers[f"{measure}-{name}"] = mean(np.array(means, np.float64))
        return _with_both(numbers)

    def overall(self, videos: Mapping[str, VideoScores]) -> dict[str, float]:
        """The mean over objects; of disappearance and reappearance over the objects that have it, NaN if none has."""
        rows = [self.summary(scores) for objects in videos.values() for scores in objects.values()]
        if not rows:
            raise InputError("No object was scored. Give at least one video whose scored frames show an object.")
        return _with_both({name: mean(np.array([row[name] for row in rows])) for name in rows[0] if "&" not in name})


def _with_both(numbers: dict[str, float]) -> dict[str, float]:
    """Adds the mean of J and F of each kind; J&F, J and F come first."""
    pairs = {"J&F": ("J", "F")} | {f"J&F-{kind}": (f"J-{kind}", f"F-{kind}") for kind in KINDS}
    pairs["J&F-classic"] = ("J", "F-classic")
    both = {name: (numbers[j] + numbers[f]) / 2 for name, (j, f) in pairs.items()}
    return {"J&F": both["J&F"], "J": numbers["J"], "F": numbers["F"]} | both | numbers


def _table(row: list[Comparison]) -> ObjectScores:
    return {
        "J": np.array([each.smoothed_j() for each in row]),
        "F": np.array([each.boundaries[0].f() for each in row]),
        "F-classic": np.array([each.boundaries[1].f() for each in row]),
        "absent": np.array([float(each.truth == 0) for each in row]),
    }


def _stretches(flags: np.ndarray, value: bool) -> Iterator[slice]:
    """The longest runs of frames whose flag is `value`."""
    edges = [0, *(np.flatnonzero(flags[1:] != flags[:-1]) + 1).tolist(), len(flags)]
    for start, stop in pairwise(edges):
        if flags[start] == value:
            yield slice(start, stop)
