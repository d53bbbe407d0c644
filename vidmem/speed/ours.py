"""vidmem itself as a side of a race."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from vidmem.models import Model
from vidmem.tracker import Tracker
from vidmem.values import Frame, Prompt


class Ours:
    """A tracker that follows boxes through pictures that are there already."""

    def __init__(self, tracker: Tracker, pictures: Sequence[Tensor], boxes: Mapping[int, Sequence[float]]):
        self._tracker, self._pictures = tracker, pictures
        self._prompts = [Prompt(object_id, box=torch.tensor(box)) for object_id, box in boxes.items()]
        self._state, self._next = {}, 0

    def step(self) -> dict[int, Tensor]:
        frame = Frame(self._next, self._pictures[self._next % len(self._pictures)])
        prompts = self._prompts if self._next == 0 else ()
        self._next += 1
        self._state, track = self._tracker.step(self._state, frame, prompts)
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
