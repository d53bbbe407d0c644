"""The box around each candidate mask, in pixels of the model's input, and how much two boxes overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from vidmem.values import Candidates

Box = tuple[float, float, float, float]
"""x0 y0 x1 y1: the first and the last column and row, as SAMURAI counts them (its sam2_base.py, 426-432). So a mask of
one pixel has a box without extent."""

EMPTY: Box = (0.0, 0.0, 0.0, 0.0)  # of a mask without pixels

ENLARGED = 4  # the decoder's masks are a quarter of the model's input in each direction

# Candidates never change, so their boxes are worked out once, for judging and for learning from them.
_known: WeakKeyDictionary[Candidates, tuple[Box, ...]] = WeakKeyDictionary()


def boxes_of(candidates: Candidates) -> tuple[Box, ...]:
    """The box of each mask at the model's size, above 0; one wait for the device, however many masks there are."""
    if candidates not in _known:
        _known[candidates] = _measured(candidates)
    return _known[candidates]


def _measured(candidates: Candidates) -> tuple[Box, ...]:
    height, width = (side * ENLARGED for side in candidates.masks.shape[-2:])
    whole = F.interpolate(candidates.masks[None].float(), (height, width), mode="bilinear", align_corners=False)[0]
    shown = whole > 0  # (K, H, W)
    corners = []
    for lines in (shown.any(1), shown.any(2)):  # (K, W) columns, (K, H) rows
        places = torch.arange(lines.shape[1], device=lines.device)
        corners += [torch.where(lines, places, lines.shape[1]).amin(1), torch.where(lines, places, -1).amax(1)]
    x0, x1, y0, y1 = corners
    numbers = torch.stack((x0, y0, x1, y1), dim=1).tolist()
    return tuple(EMPTY if last < 0 else (float(x), float(y), float(last), float(low)) for x, y, last, low in numbers)


def overlap(expected: Box, box: Box) -> float:
    """Area shared by two boxes over the area of both, 0..1; 0 where either has no extent or the second is empty."""
    if box == EMPTY:
        return 0.0
    wide = min(expected[2], box[2]) - max(expected[0], box[0])
    high = min(expected[3], box[3]) - max(expected[1], box[1])
    shared = max(0.0, wide) * max(0.0, high)
    both = _area(expected) + _area(box) - shared
    return shared / both if both != 0 else 0.0


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
