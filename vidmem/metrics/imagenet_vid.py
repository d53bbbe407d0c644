"""ImageNet VID (Russakovsky et al. 2015): mean average precision over classes, and of slow, medium and fast objects.

Three ways of counting are in use, and their numbers differ:

- "fixed": a match needs an overlap of 0.5; boxes are measured as they are.
- "ilsvrc_adaptive": the challenge's. Small objects need less, min(0.5, wh / ((w + 10)(h + 10))); a pixel is a square.
- "mega_compat": MEGA's and that of the papers after it. An overlap of 0.5; far corners are moved by a pixel, twice.

For a kind of speed the objects of other kinds neither count nor cost. A false detection costs its full weight if it
is nearest to an object of the kind, nothing if nearest to one of another kind, and the share of the kind among all
objects where there is no object to be near to. The first way and the third look for the nearest among objects of the
detection's class, the challenge's among all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.average_precision import average_precision
from vidmem.metrics.detections import Detections, DetectionScores, TrueObjects, annotated_objects, overlaps
from vidmem.metrics.motion import RANGES
from vidmem.metrics.voc import join

Mode = Literal["fixed", "ilsvrc_adaptive", "mega_compat"]
KINDS = tuple(RANGES)

EMPTY = {
    "classes": np.zeros(0, np.int64),
    "scores": np.zeros(0),
    "right": np.zeros((0, len(KINDS))),
    "wrong": np.zeros((0, len(KINDS))),
    "objects": np.zeros(0, np.int64),  # their classes
    "motion": np.zeros(0),
}


@dataclass(frozen=True)
class ImagenetVid:
    mode: Mode = "ilsvrc_adaptive"
    overlap: float = 0.5
    tolerance: float = 10.0  # pixels by which a small object's box may be off, in "ilsvrc_adaptive"
    shares: Mapping[str, float] | None = None
    """Of the kinds among all objects. None: among the objects scored. The shared file of motion IoU counts its 4046
    frames without objects as fast: slow 0.374, medium 0.354, fast 0.272."""

    def score(
        self, truth: Iterable[TrueObjects | None], answers: Iterable[Detections | None], video: str = ""
    ) -> DetectionScores:
        """D detections and M objects: for each of the K kinds whether a detection is right, and what it costs."""
        rows: dict[str, list[np.ndarray]] = {name: [empty] for name, empty in EMPTY.items()}
        for true, answer in annotated_objects(truth, answers, video):
            motion = np.full(len(true.boxes), np.nan) if true.motion is None else np.asarray(true.motion, np.float64)
            right, wrong = self._frame(true, motion, answer)
            values = (answer.classes, answer.scores, right, wrong, true.classes, motion)
            for name, each in zip(EMPTY, values, strict=True):
                rows[name].append(np.asarray(each, EMPTY[name].dtype))
        return {name: np.concatenate(values) for name, values in rows.items()}

    def _frame(self, true: TrueObjects, motion: np.ndarray, answer: Detections) -> tuple[np.ndarray, np.ndarray]:
        """(N, K) how far a detection is right, and what it costs; NaN where that is the share of the kind."""
        shared, needed = self._overlaps(true, answer)
        same = np.equal.outer(np.asarray(answer.classes), np.asarray(true.classes))
        fits = np.where(same & (shared >= needed), shared, -1.0)
        order = np.argsort(-np.asarray(answer.scores), kind="stable")
        right, wrong = np.zeros((len(shared), len(KINDS))), np.zeros((len(shared), len(KINDS)))
        matches: np.ndarray | None = None
        for kind, (low, high) in enumerate(RANGES.values()):
            other = np.zeros(len(motion), bool) if kind == 0 else ~((motion >= low) & (motion <= high))
            if matches is None or self.mode == "mega_compat":
                matches = self._matches(fits, order, other)
            matched = matches >= 0
            right[matched, kind] = ~other[matches[matched]]
            wrong[:, kind] = np.where(matched, 0.0, self._costs(shared, same, other))
        return right, wrong

    def _matches(self, fits: np.ndarray, order: np.ndarray, other: np.ndarray) -> np.ndarray:
        """(N,) the object each detection finds, -1 for none: the free one it overlaps most, the surest choosing first.

        Of equally overlapped ones the first, or where MEGA is followed, rather one of the kind.
        """
        found, fits = np.full(len(fits), -1), fits.copy()
        for row in order if fits.shape[1] else ():
            best = int(fits[row].argmax())
            if fits[row, best] < 0:
                continue
            if self.mode == "mega_compat" and other[best]:
                equal = np.flatnonzero(fits[row] == fits[row, best])
                wanted = equal[~other[equal]]
                best = int(wanted[0] if len(wanted) else equal[-1])
            found[row] = best
            fits[:, best] = -1.0
        return found

    def _costs(self, shared: np.ndarray, same: np.ndarray, other: np.ndarray) -> np.ndarray:
        """(N,) of each detection, were it false."""
        considered = np.ones_like(same) if self.mode == "ilsvrc_adaptive" else same
        mine = np.where(considered & ~other, shared, -1.0).max(1, initial=-1.0)
        others = np.where(considered & other, shared, -1.0).max(1, initial=-1.0)
        count = considered.sum(1)
        with np.errstate(invalid="ignore"):
            between = (considered & other).sum(1) / count  # nan where there is no object
        return np.where((mine == others) | (count == 0), between, mine > others)

    def _overlaps(self, true: TrueObjects, answer: Detections) -> tuple[np.ndarray, np.ndarray | float]:
        """(N, M) overlaps, and how much of it each object needs."""
        if self.mode == "mega_compat":
            boxes = [np.array(each, np.float32).reshape(-1, 4) for each in (answer.boxes, true.boxes)]
            for each in boxes:
                each[:, 2:] += 1
            return overlaps(boxes[0], boxes[1], inclusive=True), self.overlap
        boxes = [np.asarray(each, np.float64).reshape(-1, 4) for each in (answer.boxes, true.boxes)]
        if self.mode == "fixed":
            return overlaps(boxes[0], boxes[1]), self.overlap
        sides = boxes[1][:, 2:] - boxes[1][:, :2] + 1
        small = sides.prod(-1) / (sides + self.tolerance).prod(-1)
        return overlaps(boxes[0], boxes[1], inclusive=True), np.minimum(small, self.overlap)

    def overall(self, videos: Mapping[str, DetectionScores]) -> dict[str, float]:
        """ "AP", and if every object has its motion IoU "AP-slow", "AP-medium" and "AP-fast": means over classes."""
        by_class = self.by_class(videos)
        kinds = dict.fromkeys(name for numbers in by_class.values() for name in numbers)
        means = {}
        for name in kinds:
            values = [numbers[name] for numbers in by_class.values() if name in numbers]
            means[name] = float(np.mean(values))
        return means

    def by_class(self, videos: Mapping[str, DetectionScores]) -> dict[int, dict[str, float]]:
        """Class -> the same numbers for it alone; without those of kinds that it has no object of."""
        joined = join(videos)
        classes, motion = joined["objects"], joined["motion"]
        if not len(classes):
            raise InputError(
                "No true object was given, so there is no precision. Give the truth of at least one frame."
            )
        found: dict[int, dict[str, float]] = {int(each): {} for each in np.unique(classes)}
        for kind, (name, (low, high)) in enumerate(RANGES.items()):
            if kind and np.isnan(motion).any():
                break
            inside = np.ones(len(motion), bool) if kind == 0 else (motion >= low) & (motion <= high)
            wrong = np.where(np.isnan(joined["wrong"][:, kind]), self._share(name, inside), joined["wrong"][:, kind])
            for each, numbers in found.items():
                count = int(np.count_nonzero(inside & (classes == each)))
                mine = joined["classes"] == each
                if count:
                    title = "AP" if kind == 0 else f"AP-{name}"
                    right = joined["right"][mine, kind]
                    numbers[title] = average_precision(joined["scores"][mine], right, wrong[mine], count)
        return found

    def _share(self, kind: str, inside: np.ndarray) -> float:
        """What a false detection costs where there is no object. MEGA takes a share of nothing for all."""
        share = float(np.mean(inside)) if self.shares is None or kind == "all" else self.shares[kind]
        return 1.0 if self.mode == "mega_compat" and share == 0 else share
