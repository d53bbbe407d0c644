"""A clip seen otherwise: by a camera that comes nearer or draws back, by a restless one, or through running water."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

NEAREST = 3.0  # times as large as before
SWELL = 0.06  # of half the picture: how far running water moves what lies behind it
WANDER = (0.2, 0.2, 0.15, 0.15, 0.06, 0.08)  # of half the picture: shifts; radians; of the size: growth, stretch; lean
CELLS = (3, 6)  # waves of it lie so far apart that a picture holds about so many


def approach(chance: np.random.Generator, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """The clip by a camera that comes up to three times nearer to the object, or draws back from it.

    images (T, 3, S, S) 0..1   masks (T, S, S) bool; without the object in its nearest frame the clip stays as it is
    """
    frames = len(images)
    retreat = bool(chance.random() < 0.5)
    nearest = float(np.exp(chance.uniform(np.log(1.3), np.log(NEAREST))))
    rows, columns = np.nonzero(masks[0 if retreat else -1].numpy())
    if frames < 2 or not len(rows):
        return images, masks
    side = masks.shape[-1]
    centre = torch.tensor([2 * columns.mean() / side - 1, 2 * rows.mean() / side - 1]).float()
    gone = torch.linspace(1, 0, frames) if retreat else torch.linspace(0, 1, frames)
    share = torch.exp(-gone * math.log(nearest))[:, None, None, None]  # of the picture that is still in view
    return _seen(images, masks, centre + (_places(frames, side) - centre) * share)


def elastic(chance: np.random.Generator, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """The clip bent by a smooth field that swings with time.     images (T, 3, S, S) 0..1   masks (T, S, S) bool"""
    frames, side = len(images), masks.shape[-1]
    cells = int(chance.integers(CELLS[0], CELLS[1] + 1))
    coarse = torch.from_numpy(chance.standard_normal((2, 2, cells, cells), dtype=np.float32))
    fields = F.interpolate(coarse, (side, side), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    phase = torch.arange(frames) * float(chance.uniform(0.1, 0.8)) + float(chance.uniform(0, 2 * np.pi))
    swing = torch.stack([phase.sin(), phase.cos()], 1)  # two fields a quarter of a turn apart: it never stands still
    moved = torch.einsum("tk,kijc->tijc", swing, fields) * float(chance.uniform(0.3, 1.0)) * SWELL
    return _seen(images, masks, _places(frames, side) + moved)


def wander(chance: np.random.Generator, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """The clip by a hand-held camera: it shifts, turns and leans; the first frame stays as it is.

    What comes in over the rim is the picture mirrored; an object seen there is another one.
    images (T, 3, S, S) 0..1   masks (T, S, S) bool
    """
    frames, side = len(images), masks.shape[-1]
    if frames < 2:
        return images, masks
    reach = torch.tensor(WANDER) * torch.from_numpy(chance.standard_normal(len(WANDER), dtype=np.float32))
    pace = torch.from_numpy(chance.uniform(0.05, 0.4, len(WANDER)).astype(np.float32))
    phase = torch.from_numpy(chance.uniform(0, 2 * np.pi, len(WANDER)).astype(np.float32))
    swing = torch.sin(phase + pace * torch.arange(frames)[:, None]) - torch.sin(phase)
    across, down, turn, size, stretch, lean = (reach * swing).unbind(1)
    wide, tall = (size + stretch).exp(), (size - stretch).exp()
    x = torch.stack([wide * turn.cos(), lean - turn.sin(), across], 1)
    y = torch.stack([turn.sin(), tall * turn.cos(), down], 1)
    moves = torch.stack([x, y], 1)  # (T, 2, 3)
    return _seen(images, masks, F.affine_grid(moves, [frames, 1, side, side], align_corners=False), "zeros")


def _places(frames: int, side: int) -> Tensor:
    """(T, S, S, 2) x and y -1..1 of every pixel"""
    return F.affine_grid(torch.eye(2, 3).expand(frames, -1, -1), [frames, 1, side, side], align_corners=False)


def _seen(images: Tensor, masks: Tensor, places: Tensor, beyond: str = "reflection") -> tuple[Tensor, Tensor]:
    """The clip with each pixel taken from another place. beyond: how masks go on over the rim"""
    pictures = F.grid_sample(images, places, padding_mode="reflection", align_corners=False)
    covered = F.grid_sample(masks[:, None].float(), places, padding_mode=beyond, align_corners=False)
    return pictures, covered[:, 0] > 0.5
