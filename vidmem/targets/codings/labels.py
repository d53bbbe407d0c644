"""Masks as a coarse filter can learn them, and back: the training-free stand-in for LWL's label encoder and decoder.

LWL learns to say a mask in 16 channels of stride 16 (arXiv 2003.11540, 3.4), and to read them. Here the channels are
the mask's own finer cells: each cell of the feature grid is cut into r x r, each of which is a channel. Nothing is
trained, and what the filter says is read by putting the finer cells back in their places. [C] For SAM 2, whose masks
are four times finer than its stride-16 features, that makes 16 channels too.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.errors import UsageError

SMALL = 1e-5  # LWL: added to the sum of squares


def normalised(features: Tensor, centred: bool = True) -> Tensor:
    """(C, h, w) float32: features (1, C, h, w) of one length for all frames.

    [S] LWL: x s sqrt(C h w / (sum x^2 + 1e-5)), s = sqrt(1 / (9 C)), of features a trained layer prepared. [C] Here
    each channel's mean over the frame is taken away first: nothing prepared them, and it would outweigh all else.
    """
    values = features[0].float()
    if centred:
        values = values - values.mean((1, 2), keepdim=True)
    size = values.numel() / (values.square().sum() + SMALL)
    return values * (size / (9 * values.shape[0])).sqrt()


def finer(grid: tuple[int, int], mask: tuple[int, int]) -> int:
    """r: how many cells of a mask (h', w') lie along one of the feature grid (h, w). Raises UsageError if none fits."""
    times = mask[0] // grid[0]
    if times < 1 or (grid[0] * times, grid[1] * times) != tuple(mask):
        raise UsageError(
            f"The model's masks of {mask[0]} x {mask[1]} are no whole multiple of its {grid[0]} x {grid[1]} "
            "features, so no target model can be learned on them. Choose another input size, or a tracker without one."
        )
    return times


def encoded(probability: Tensor, grid: tuple[int, int]) -> Tensor:
    """(K, h, w) 0..1: a mask (h', w'), 0..1, over the feature grid (h, w)."""
    times = finer(grid, (probability.shape[0], probability.shape[1]))
    return F.pixel_unshuffle(probability[None, None], times)[0]


def decoded(scores: Tensor) -> Tensor:
    """(h', w'): what the filter says (K, h, w), its finer cells in their places; 1 on the object, 0 off it."""
    return F.pixel_shuffle(scores[None], round(scores.shape[0] ** 0.5))[0, 0]


def balance(label: Tensor, share: float) -> Tensor:
    """(K, h, w): spatial weights W of a label (K, h, w), on the residual. Their mean square is 1.

    The object gets `share` of the loss, however small it is; 0 leaves all cells alike. [C] LWL learns its weights.
    """
    if share == 0:
        return torch.ones_like(label)
    inside = label.mean().clamp(1e-3, 1 - 1e-3)
    low, high = (1 - share) / (1 - inside), share / inside
    weight = low + (high - low) * label
    return (weight / weight.mean()).sqrt()
