"""A clip in other colours: what an object looks like must not be known by heart, and few sequences show few colours."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

SATURATION = (0.4, 1.4)  # of what it was
CYCLE = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)  # a turn about greys


def recolour(chance: np.random.Generator, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Every hue turned by one angle about the axis of greys, and more or less saturated; greys stay, and the masks.

    images (T, 3, h, w), 0..1 and so in the result
    """
    turn = float(chance.uniform(0, 2 * np.pi))
    saturation = float(chance.uniform(*SATURATION))
    grey = torch.full((3, 3), 1 / 3)
    mixed = grey + saturation * (math.cos(turn) * (torch.eye(3) - grey) + math.sin(turn) * CYCLE)
    return torch.einsum("cd,tdhw->tchw", mixed, images).clamp(0, 1), masks
