"""The odd second: a line of text over the hay, a picture, or a clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.errors import InputError, UsageError

Kind = Literal["text", "image", "clip"]
KINDS = ("text", "image", "clip")
LINE = "The secret word is marigold."


@dataclass(frozen=True)
class Riddle:
    """What is asked of a needle, and the words a right answer holds."""

    question: str
    keywords: tuple[str, ...]


RIDDLES = {
    "text": Riddle("What is the secret word?", ("marigold",)),
    "image": Riddle("Which object lies on the white cloud in the sky, and of which colour is it?", ("book", "red")),
    "clip": Riddle("Which object lies on the white cloud in the sky, and of which colour is it?", ("book", "red")),
}


@dataclass(frozen=True, eq=False)
class Needle:
    """One second. `pictures` stand for themselves; a `line` is written over the hay instead."""

    kind: Kind
    riddle: Riddle | None = None  # None: it is looked for by likeness, and nobody is asked
    line: str = ""
    pictures: Tensor | None = None  # (T, 3, H, W) uint8

    def frames(self, hay: Tensor, count: int) -> list[Tensor]:
        """The second at so many frames.     hay (3, H, W): the frame that it begins with"""
        if self.pictures is None:
            return [written(hay, self.line)] * count
        picked = np.linspace(0, len(self.pictures) - 1, count).round().astype(int)
        return [fitted(self.pictures[int(index)], (hay.shape[1], hay.shape[2])) for index in picked]


def make_needle(kind: str, file: Path | None = None, line: str = LINE, riddle: Riddle | None = None) -> Needle:
    """A needle of a kind, drawn where no file is given; the drawn ones have riddles of their own.

    Raises UsageError, and InputError for a file that is no picture.
    """
    drawn_riddle = RIDDLES.get(kind) if file is None and line == LINE else None
    if kind == "text":
        if file is not None or not line.strip():
            raise UsageError("A needle of text takes a line of text and no file.")
        return Needle("text", riddle or drawn_riddle, line)
    if kind != "image" and kind != "clip":
        raise UsageError(f"No needle is of the kind {kind!r}. Known: {', '.join(KINDS)}.")
    count = 1 if kind == "image" else 25
    if file is None:
        pictures = torch.stack([drawn(index / 25) for index in range(count)])
    else:
        pictures = _read(file, count)
    return Needle(kind, riddle or drawn_riddle, pictures=pictures)


def _read(file: Path, count: int) -> Tensor:
    """(T, 3, H, W) the first second of a clip, or a picture."""
    from vidmem.frames import watch

    video = watch(file)
    try:
        first = next(iter(video.between(0, 1)), None)
        if first is None:
            raise InputError(f"{file} has no frames, so it cannot be a needle.")
        rate = round(video.rate or 25) if count > 1 else 1
        return torch.stack([fitted(frame.image, first.size) for frame in video.between(0, max(1, rate))])
    finally:
        video.close()


def fitted(image: Tensor, size: tuple[int, int]) -> Tensor:
    """(3, H, W) uint8: scaled to fit without being stretched, with black around it."""
    scale = min(size[0] / image.shape[1], size[1] / image.shape[2])
    height, width = (max(1, round(n * scale)) for n in image.shape[1:])
    scaled = F.interpolate(image[None].float(), (height, width), mode="bilinear", antialias=True)[0].round()
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return F.pad(scaled, (left, size[1] - width - left, top, size[0] - height - top)).to(torch.uint8)


def written(image: Tensor, line: str) -> Tensor:
    """(3, H, W) uint8: the frame with a line of text at its foot, white on a dark strip, as large as fits."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = image.shape[1:]
    picture = Image.fromarray(image.permute(1, 2, 0).numpy())
    draw = ImageDraw.Draw(picture)
    size = max(8, height // 14)
    while size > 8 and draw.textlength(line, ImageFont.load_default(size)) > 0.94 * width:
        size -= 1
    font, strip = ImageFont.load_default(size), round(1.6 * size)
    draw.rectangle((0, height - strip, width, height), (0, 0, 0))
    draw.text((width / 2, height - strip / 2), line, (255, 255, 255), font, anchor="mm")
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)


def drawn(moment: float = 0.0) -> Tensor:
    """(3, 270, 480) uint8: a red book on a white cloud in the sky; the cloud drifts over the second 0..1."""
    from PIL import Image, ImageDraw

    sky = np.linspace((70, 140, 235), (190, 225, 255), 270)[:, None].repeat(480, 1)
    picture = Image.fromarray(sky.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    x = round(20 * moment)
    for left, top, right, bottom in [
        (110, 130, 250, 230),
        (180, 100, 320, 230),
        (260, 135, 390, 230),
        (90, 170, 400, 240),
    ]:
        draw.ellipse((left + x, top, right + x, bottom), (250, 250, 252))
    draw.polygon([(190 + x, 110), (246 + x, 124), (246 + x, 176), (190 + x, 162)], (205, 30, 35))
    draw.polygon([(302 + x, 110), (246 + x, 124), (246 + x, 176), (302 + x, 162)], (225, 45, 45))
    for row in range(4):
        draw.line([(198 + x, 122 + 9 * row), (238 + x, 132 + 9 * row)], (255, 240, 230), 2)
        draw.line([(294 + x, 122 + 9 * row), (254 + x, 132 + 9 * row)], (255, 240, 230), 2)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)
