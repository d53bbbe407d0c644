"""Several answers to one video, side by side: compare.mp4."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vidmem.annotation import Annotation
from vidmem.drawing import draw
from vidmem.video_file import VideoFile

WIDTH = 1920  # pixels a sheet may be wide; tiles are made smaller, never larger
BAR = 22  # pixels, the strip above a tile with its name


class SideBySide:
    """A sheet a frame, one tile a name. Answers may come late: a sheet is drawn when the last of its tiles is there."""

    def __init__(self, path: Path, names: Sequence[str]):
        self.names = list(names)
        self.columns = math.ceil(math.sqrt(len(self.names)))
        self.file = VideoFile(path)
        self._waiting: dict[int, tuple[np.ndarray, dict[str, Annotation]]] = {}

    def show(self, frame: int, image: np.ndarray) -> None:
        """The picture of a frame, (H, W, 3) uint8 RGB; its answers follow."""
        self._waiting[frame] = image, {}

    def answer(self, name: str, annotation: Annotation) -> None:
        """What one of the names says of a frame that was shown."""
        image, answers = self._waiting[annotation.frame]
        answers[name] = annotation
        if len(answers) == len(self.names):
            del self._waiting[annotation.frame]
            self.file.write(self._sheet(image, answers), annotation.time)

    def close(self) -> None:
        self.file.close()

    def _sheet(self, image: np.ndarray, answers: Mapping[str, Annotation]) -> np.ndarray:
        width = min(image.shape[1], WIDTH // self.columns)
        height = round(image.shape[0] * width / image.shape[1])
        rows = math.ceil(len(self.names) / self.columns)
        sheet = Image.new("RGB", (self.columns * width, rows * (height + BAR)), (16, 16, 16))
        pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(BAR - 8)
        for place, name in enumerate(self.names):
            x, y = place % self.columns * width, place // self.columns * (height + BAR)
            pen.text((x + 6, y + BAR // 2), name, (240, 240, 240), font, anchor="lm")
            tile = Image.fromarray(draw(image, answers[name]))
            sheet.paste(tile.resize((width, height), Image.Resampling.BILINEAR), (x, y + BAR))
        return np.asarray(sheet)
