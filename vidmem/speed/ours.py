"""vidmem itself as a side of a race."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from vidmem.emission import State
from vidmem.models import Model
from vidmem.tracker import Tracker
from vidmem.values import Frame, Prompt


class Ours:
    """A tracker that follows boxes through pictures that are there already."""

    def __init__(self, tracker: Tracker, pictures: Sequence[Tensor], boxes: Mapping[int, Sequence[float]]):
        self._tracker, self._pictures = tracker, pictures
        self._prompts = [Prompt(object_id, box=torch.tensor(box)) for object_id, box in boxes.items()]
        self._next = 0
        self.state: State = {}

    def step(self) -> dict[int, Tensor]:
        around = self._next % max(2 * len(self._pictures) - 2, 1)  # to and fro, where the pictures are fewer
        frame = Frame(self._next, self._pictures[min(around, 2 * len(self._pictures) - 2 - around)])
        prompts = self._prompts if self._next == 0 else ()
        self._next += 1
        self.state, track = self._tracker.step(self.state, frame, prompts)
        return {object_id: track.logits(object_id) for object_id in track.guesses}


def pictures_of(frames: Sequence[Frame], model: Model) -> list[Tensor]:
    """(3, S, S) uint8 each: the frames at the model's own grid."""
    import numpy as np
    from PIL import Image

    height, width = model.spec.input_size
    made = []
    for frame in frames:
        picture = Image.fromarray(np.ascontiguousarray(frame.image.permute(1, 2, 0).numpy()))
        resized = np.array(picture.resize((width, height), Image.Resampling.BICUBIC))
        made.append(torch.from_numpy(resized).permute(2, 0, 1))
    return made


def spread_boxes(objects: int, size: tuple[int, int]) -> dict[int, list[float]]:
    """Object id -> x0 y0 x1 y1: boxes a quarter of the picture wide, spread over it."""
    height, width = size
    found = {}
    for number in range(objects):
        x, y = (0.4 + number * 0.37) % 0.7, (0.35 + number * 0.23) % 0.7
        found[number + 1] = [width * x, height * y, width * (x + 0.25), height * (y + 0.25)]
    return found
