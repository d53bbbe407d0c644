"""What a person would say of an object whose true mask is known: the mask, its tight box, a click in its middle."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch

from vidmem.errors import InputError, UsageError
from vidmem.values import Prompt

PromptKind = Literal["mask", "box", "click"]


def check_kind(kind: str) -> PromptKind:
    """The kind a word means. Raises UsageError for one that is none."""
    if kind in get_args(PromptKind):
        return kind  # type: ignore[return-value]
    raise UsageError(f"--prompt {kind!r} is not known. It is {', '.join(get_args(PromptKind))}.")


def prompt_of(mask: np.ndarray, kind: PromptKind, object_id: int = 1) -> Prompt:
    """The prompt of one object.     mask (H, W) bool. Raises InputError when it has no pixel."""
    if not mask.any():
        raise InputError(f"Object {object_id} cannot be prompted: its true mask is empty.")
    if kind == "mask":
        return Prompt(object_id, mask=torch.from_numpy(np.ascontiguousarray(mask)))
    if kind == "box":
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        box = torch.tensor([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=torch.float32)
        return Prompt(object_id, box=box)
    x, y = innermost(mask)
    return Prompt(object_id, points=torch.tensor([[float(x), float(y)]]), labels=torch.tensor([1]))


def innermost(mask: np.ndarray) -> tuple[int, int]:
    """x and y of the pixel farthest from any that is off the mask; what lies outside the picture is off it.

    Of several, the first in reading order.     mask (H, W) bool, with a pixel
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    tight = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]  # around it all is off, so nothing is lost
    depth = _depth(np.pad(tight, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    return int(columns[0] + column), int(rows[0] + row)


def _depth(mask: np.ndarray) -> np.ndarray:
    """(H, W) int64: the exact squared Euclidean distance of each pixel to the nearest that is off the mask.

    Two passes, one an axis (Saito and Toriwaki 1994, "New algorithms for Euclidean distance transformation").
    """
    height, width = mask.shape
    rows = np.arange(height)[:, None]
    above = np.maximum.accumulate(np.where(mask, -height * 4, rows), 0)
    below = np.minimum.accumulate(np.where(mask, height * 8, rows)[::-1], 0)[::-1]
    down = np.minimum(rows - above, below - rows).astype(np.int64) ** 2  # to the nearest in its own column
    best = down.copy()
    for step in range(1, width):
        if step * step >= best.max():
            break
        best[:, step:] = np.minimum(best[:, step:], down[:, :-step] + step * step)
        best[:, :-step] = np.minimum(best[:, :-step], down[:, step:] + step * step)
    return best
