"""One index PNG a frame, VIDEO/FRAME.png, as DAVIS, LVOS and MOSE want masks; below Annotations/ for YouTube-VOS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidmem.errors import InputError
from vidmem.evaluation.forms import Answer
from vidmem.masks import read_labels
from vidmem.videos import Video
from vidmem.writers.palette import PaletteMasks


@dataclass(frozen=True)
class IndexPictures:
    shares_pixels = False
    above: str = ""  # the folder above those of videos

    def unit(self, video: str) -> str:
        return f"{self.above}{video}"

    def writer(self, folder: Path, video: Video) -> PaletteMasks:
        return PaletteMasks(folder, inside=self.unit(video.name))

    def answers(self, unit: Path, video: Video) -> Answer:
        """(H, W) int32 object ids."""
        if not unit.is_dir():
            raise InputError(f"There are no results of {video.name}: {unit} is missing.")

        def labels(frame: str) -> np.ndarray | None:
            path = unit / f"{frame}.png"
            return read_labels(path) if path.exists() else None

        return labels


@dataclass(frozen=True)
class YoutubeVos(IndexPictures):
    above: str = "Annotations/"
