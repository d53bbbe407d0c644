"""What a step learns from: key frames with their true boxes, and for each of them other frames of its video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidmem.errors import InputError, ModelError
from vidmem.training.detection.recipe import Data, DetectorRecipe, root_of
from vidmem.videos import Dataset, DetectionTruth, Video, open_dataset

LATER = 10**6  # sets the chances of a step's draws apart from those of the order of samples


Name = tuple[int, str, int, bool]
"""What makes a picture that one: its set, its video, its frame, whether it is mirrored."""


@dataclass(frozen=True, eq=False)
class Batch:
    """B key frames, each with its references; pictures (3, H, W) uint8."""

    images: list[Tensor]
    targets: list[dict[str, Tensor]]  # "boxes" (M, 4) with the far corner one past the last pixel, "labels" (M,)
    references: list[list[Tensor]]
    names: list[list[Name]]  # of each key frame and its references


@dataclass(frozen=True)
class Place:
    """A key frame: which set, which video, which frame."""

    source: int
    video: str
    frame: int


class Samples:
    """All key frames of a recipe, in an order that its seed decides; what step number n reads is always the same."""

    def __init__(self, recipe: DetectorRecipe):
        self.recipe = recipe
        self.sets = [open_dataset(each.card, root_of(each), each.split or None) for each in recipe.data]
        first = self._truth(self.sets[0].video(self.sets[0].names()[0]))
        self.architecture = recipe.built(tuple(first.classes.values()))
        self.places = [
            Place(source, name, frame)
            for source, (data, every) in enumerate(zip(recipe.data, self.sets, strict=True))
            for name in every.names()
            for frame in self._keys(data, every, name)
        ]
        if not self.places:
            raise InputError(f"The recipe {recipe.name} finds no annotated frame in {self.sets[0].root.path}.")
        self._video = lru_cache(maxsize=512)(lambda source, name: self.sets[source].layout.video(name))
        self._picture = lru_cache(maxsize=recipe.keep)(lambda *name: _picture(self._video(*name[:2]), name[2]))
        unknown = [each for each in self.architecture.classes if each not in first.classes.values()]
        if unknown:
            raise ModelError(
                f"{recipe.name} is to learn the class {unknown[0]!r}, which {self.sets[0].root.title} does not have. "
                f"It has {len(first.classes)}: {', '.join(list(first.classes.values())[:8])}, …"
            )

    @property
    def steps(self) -> int:
        """Of the whole run."""
        return sum(self._length(each) for each in self.recipe.stages)

    def _length(self, stage: Any) -> int:
        return stage.steps or int(np.ceil(stage.epochs * len(self.places) / stage.batch))

    def chosen(self, step: int) -> list[Place]:
        """The key frames of a step. An epoch shows each once, in an order of its own."""
        before, at, stage = 0, step, self.recipe.stages[-1]
        for each in self.recipe.stages:
            stage = each
            if at < self._length(each):
                break
            at -= self._length(each)
            before += self._length(each) * each.batch
        numbers = range(before + at * stage.batch, before + (at + 1) * stage.batch)
        count = len(self.places)
        return [self.places[self._order(number // count)[number % count]] for number in numbers]

    def batch(self, step: int, share: slice = slice(None)) -> Batch:
        """What a process reads for a step: `share` of its key frames."""
        images, targets, references, names = [], [], [], []
        for number, place in list(enumerate(self.chosen(step)))[share]:
            chance = np.random.default_rng((self.recipe.seed, step, number, LATER))
            video = self._video(place.source, place.video)
            frames = [place.frame, *self._others(chance, place, len(video))]
            pictures = [self._picture(place.source, place.video, frame) for frame in frames]
            target = self._target(video, place, pictures[0])
            mirrored = bool(chance.random() < self.recipe.flip)
            if mirrored:
                pictures = [each.flip(-1) for each in pictures]
                width = pictures[0].shape[-1]
                x0, y0, x1, y1 = target["boxes"].unbind(1)
                target["boxes"] = torch.stack([width - x1, y0, width - x0, y1], 1)
            images.append(pictures[0])
            targets.append(target)
            references.append(pictures[1:])
            names.append([(place.source, place.video, frame, mirrored) for frame in frames])
        return Batch(images, targets, references, names)

    def _others(self, chance: np.random.Generator, place: Place, length: int) -> list[int]:
        """Reference frames, by turns from before and from behind; the nearest there is where one side is empty."""
        if self.architecture.attention == "none":
            return []
        reach = self.recipe.data[place.source].reach
        sides = [(max(0, place.frame - reach), place.frame), (place.frame + 1, min(length, place.frame + reach + 1))]
        if chance.random() < 0.5:
            sides.reverse()
        found = []
        for number in range(self.architecture.train_references):
            low, high = sides[number % 2]
            if low >= high:
                low, high = sides[1 - number % 2]
            found.append(int(chance.integers(low, high)) if low < high else place.frame)
        return found

    def _order(self, epoch: int) -> np.ndarray:
        return _shuffled(self.recipe.seed, epoch, len(self.places))

    def _keys(self, data: Data, dataset: Dataset, name: str) -> Sequence[int]:
        video = dataset.layout.video(name)
        length = len(video)
        if not length:
            raise InputError(f"{dataset.root.title}: the video {name} has no frames.")
        if not data.frames or data.frames >= length:
            return range(length)
        return sorted({round(each) for each in np.linspace(0, length - 1, data.frames)})

    def _truth(self, video: Video) -> DetectionTruth:
        if not isinstance(video.truth, DetectionTruth):
            raise InputError(
                f"{video.name} has no boxes of known classes. A detector learns from sets such as imagenet_vid."
            )
        return video.truth

    def _target(self, video: Video, place: Place, picture: Tensor) -> dict[str, Tensor]:
        """The true boxes of a frame, perhaps none. Raises InputError for boxes out of the picture."""
        truth, data = self._truth(video), self.recipe.data[place.source]
        name = video.frame_names[place.frame]
        labels = {title: number for number, title in enumerate(self.architecture.classes, 1)}
        edge = 1.0 if truth.inclusive else 0.0
        height, width = picture.shape[1:]
        boxes, numbers = [], []
        for each in truth.boxes(name) or ():
            title = truth.classes[each.class_id]
            if title not in labels:
                continue
            x0, y0, x1, y1 = each.box
            box = (x0, y0, x1 + edge, y1 + edge)
            if data.cut_boxes:
                box = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(width)), min(box[3], float(height)))
            is_out = box[0] < 0 or box[1] < 0 or box[2] > width + 1 or box[3] > height + 1
            if is_out or box[2] <= box[0] or box[3] <= box[1]:
                raise InputError(
                    f"{truth.path}, frame {name}: the box {tuple(each.box)} of {title} "
                    f"{'reaches out of' if is_out else 'is empty in'} the picture of {width} x {height}. Mend the "
                    "annotation, or set cut_boxes = true in the recipe's [[data]]."
                )
            boxes.append(box)
            numbers.append(labels[title])
        return {
            "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
            "labels": torch.tensor(numbers, dtype=torch.long),
        }


@lru_cache(maxsize=4)
def _shuffled(seed: int, epoch: int, count: int) -> np.ndarray:
    return np.random.default_rng((seed, epoch)).permutation(count)


def _picture(video: Video, frame: int) -> Tensor:
    """(3, H, W) uint8."""
    if video.pictures:
        from vidmem.frames.pictures import from_file

        path: Path = video.pictures[frame]
        try:
            return from_file(path)
        except (OSError, SyntaxError, ValueError) as problem:
            raise InputError(f"{path} cannot be read as a picture ({problem}). Get the data set again.") from problem
    return next(iter(video.frames().between(frame, frame + 1))).image
