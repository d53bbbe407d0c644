"""One PNG an object and frame, VIDEO/OBJECT/FRAME.png, as SA-V wants masks, which may overlap there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidmem.errors import InputError
from vidmem.evaluation.forms import Answer
from vidmem.masks import read_labels
from vidmem.videos import MaskTruth, Video
from vidmem.writers.objects import ObjectMasks


@dataclass(frozen=True)
class ObjectPictures:
    """The folder of an object is called as the data set calls it, "000" in SA-V."""

    shares_pixels = True

    def unit(self, video: str) -> str:
        return video

    def writer(self, folder: Path, video: Video) -> ObjectMasks:
        return ObjectMasks(folder, inside=video.name, names=_names(video))

    def answers(self, unit: Path, video: Video) -> Answer:
        """object id -> (H, W) bool."""
        if not unit.is_dir():
            raise InputError(f"There are no results of {video.name}: {unit} is missing.")
        names = _names(video)
        absent = [name for name in names.values() if not (unit / name).is_dir()]
        if absent:
            raise InputError(f"The results of {video.name} lack the object {absent[0]}: {unit / absent[0]} is missing.")

        def masks(frame: str) -> dict[int, np.ndarray] | None:
            paths = {object_id: unit / name / f"{frame}.png" for object_id, name in names.items()}
            return {each: read_labels(path) > 0 for each, path in paths.items() if path.exists()} or None

        return masks


def _names(video: Video) -> dict[int, str]:
    assert isinstance(video.truth, MaskTruth)
    return {each.object_id: each.stored_as or str(each.object_id) for each in video.truth.objects.values()}
