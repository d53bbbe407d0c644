"""One object through one video in one line; for more, `load` a tracker and `run` it, or open a Session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidmem.compose import load
from vidmem.errors import UsageError
from vidmem.frames import watch
from vidmem.values import Frame, Prompt, Track


def follow(
    source: Any | str | PathLike[str],
    *,
    box: Sequence[float] | None = None,
    point: Sequence[float] | None = None,
    mask: np.ndarray | Tensor | None = None,
    memory: str = "sam2",
    model: str = "nano",
    **options: Any,
) -> Iterator[tuple[Frame, Track]]:
    """Mark an object in the first frame and follow it to the end of the source; it is object 1 of each track.

    source: whatever `watch` opens.   box: x0, y0, x1, y1 in pixels   point: x, y in pixels   mask: (H, W) bool
    memory: a card of `vidmem trackers`   model: a name of `vidmem models list`, or a path   options: those of `load`
    Raises UsageError when not exactly one of box, point and mask is given, InputError for one that does not fit.
    """
    if sum(each is not None for each in (box, point, mask)) != 1:
        raise UsageError("follow needs one of box=, point= and mask= to know what to follow.")
    if mask is not None:
        prompt = Prompt(1, mask=torch.as_tensor(mask, dtype=torch.bool))
    elif box is not None:
        prompt = Prompt(1, box=torch.tensor(box, dtype=torch.float32))
    else:
        prompt = Prompt(1, points=torch.tensor([point], dtype=torch.float32), labels=torch.tensor([1]))
    tracker = load(memory, model, **options)
    for _, frame, track in tracker.run(watch(source), {0: [prompt]}):
        yield frame, track
