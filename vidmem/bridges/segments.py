"""From the frames of a segment to its tokens."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.errors import InputError

FRAMES = 8  # of a segment, at most (VideoLLaMB, released projector)
GRID = 12  # tokens a side of a frame: 16 x 16 patches are averaged to 12 x 12


def chosen(start: int, end: int, limit: int = FRAMES) -> list[int]:
    """The frames that stand for the segment start..end, both inclusive: evenly spread, cut to whole numbers."""
    if end < start or limit < 1:
        raise InputError(f"A segment from frame {start} to {end} of at most {limit} frames holds none.")
    count = min(limit, end - start + 1)
    return [int(each) for each in torch.linspace(start, end, count, dtype=torch.float64)]


def pooled(patches: Tensor, side: int = GRID) -> Tensor:
    """(T, h, w, C) patch features -> (T, side side, C), row by row, by adaptive averaging."""
    if patches.ndim != 4:
        raise InputError(f"Patch features are (T, h, w, C), not {tuple(patches.shape)}. Leave a class token out.")
    return F.adaptive_avg_pool2d(patches.permute(0, 3, 1, 2), side).flatten(2).transpose(1, 2)


def segment_tokens(patches: Tensor, start: int, end: int, limit: int = FRAMES, side: int = GRID) -> Tensor:
    """(N, C) the tokens of the segment start..end of a video's patches (T, h, w, C)."""
    if not 0 <= start <= end < len(patches):
        raise InputError(f"A segment from frame {start} to {end} does not lie in a video of {len(patches)} frames.")
    return pooled(patches[chosen(start, end, limit)], side).flatten(0, 1)
