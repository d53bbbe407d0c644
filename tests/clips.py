"""Clips made for tests: small, exact, with their true masks."""

from __future__ import annotations

import torch
from torch import Tensor

from vidmem.frames import Source
from vidmem.values import Frame

COLOURS = ((220, 0, 0), (0, 210, 0), (230, 230, 0))


def squares(frames: int = 8, size: int = 64, objects: int = 1) -> list[tuple[Frame, dict[int, Tensor]]]:
    """Coloured squares that move right over a blue ground, one below the other, with the mask of each."""
    clip = []
    for index in range(frames):
        image = torch.zeros(3, size, size, dtype=torch.uint8)
        image[2] = 200
        masks = {}
        for object_id in range(1, objects + 1):
            mask = torch.zeros(size, size, dtype=torch.bool)
            top, left = 4 + 20 * (object_id - 1), 2 + (3 * index) % (size - 18)
            mask[top : top + 16, left : left + 16] = True
            for channel, value in enumerate(COLOURS[object_id - 1]):
                image[channel][mask] = value
            masks[object_id] = mask
        clip.append((Frame(index, image, index / 10), masks))
    return clip


class ListSource:
    """Frames held in a list, as a source that can be read again; counts how often a frame is read."""

    name, rate, seekable, skipped = "list", 10.0, True, 0

    def __init__(self, frames: list[Frame]):
        self.frames, self.promised, self.size, self.reads = frames, len(frames), frames[0].size, 0

    def __iter__(self):
        return self.between()

    def between(self, start: int = 0, stop: int | None = None, step: int = 1):
        end = len(self.frames) if step > 0 else -1
        for index in range(start, end if stop is None else min(stop, len(self.frames)), step):
            self.reads += 1
            yield self.frames[index]

    def close(self) -> None:
        pass


def as_source(clip: list[tuple[Frame, dict[int, Tensor]]]) -> Source:
    return ListSource([frame for frame, _ in clip])


def iou(a: Tensor, b: Tensor) -> float:
    joint = (a | b).sum()
    return 1.0 if joint == 0 else float((a & b).sum() / joint)
