"""Small holes in masks, closed."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

FILLED_LOGIT = 0.1  # what SAM 2 writes over a hole (utils/misc.py:312-338)


def fill_holes(logits: Tensor, area: int) -> Tensor:
    """Mask logits whose background islands of at most `area` pixels (8-connected) are made foreground.

    logits (B, h, w)   ->   the same; as it came when `area` is 0
    """
    if area <= 0:
        return logits
    height, width = logits.shape[1:]
    background = logits <= 0
    own = torch.arange(1, height * width + 1, device=logits.device, dtype=torch.float32).view(1, height, width)
    own = own.expand_as(logits)
    # Each background pixel takes the greatest number within `area` steps. An island of that size then agrees on one
    # number, shared with nobody; in a larger one some neighbours still differ.
    number = torch.where(background, own, 0.0)
    for _ in range(area):
        number = torch.where(background, F.max_pool2d(number[:, None], 3, stride=1, padding=1)[:, 0], 0.0)
    least_neighbour = -F.max_pool2d(torch.where(background, -number, -torch.inf)[:, None], 3, stride=1, padding=1)[:, 0]
    greatest_neighbour = F.max_pool2d(number[:, None], 3, stride=1, padding=1)[:, 0]
    disagrees = background & ((least_neighbour != number) | (greatest_neighbour != number))
    index = number.long().flatten(1)
    counts = torch.zeros(len(logits), height * width + 1, device=logits.device)
    counts.scatter_add_(1, index, torch.ones_like(index, dtype=counts.dtype))
    counts.scatter_add_(1, index, disagrees.flatten(1).to(counts.dtype) * (area + 1))
    small = (counts.gather(1, index) <= area).view_as(logits) & background
    return torch.where(small, logits.new_tensor(FILLED_LOGIT), logits)
