"""What a person would say of an object: its mask, a loose box, a click in it, a click where an answer is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Kind = Literal["mask", "box", "click"]


@dataclass(frozen=True, eq=False)
class Asked:
    """The prompts of a batch, all of one kind, in pixels of the picture."""

    kind: Kind
    masks: Tensor  # (N, S, S) bool: the true masks in the prompted frame
    points: Tensor  # (N, P, 2) x and y; no point for a mask
    labels: Tensor  # (N, P) 1 on the object, 0 off it, 2 and 3 the corners of a box

    def to(self, device: torch.device) -> Asked:
        """The same prompts on a device."""
        return Asked(self.kind, self.masks.to(device), self.points.to(device), self.labels.to(device))


def ask(chance: np.random.Generator, kind: Kind, masks: Tensor) -> Asked:
    """Prompts of one kind for objects that are all in sight.     masks (N, S, S) bool"""
    if kind == "mask":
        return Asked(kind, masks, torch.zeros(len(masks), 0, 2), torch.zeros(len(masks), 0, dtype=torch.long))
    if kind == "box":
        points = torch.from_numpy(np.stack([_box(chance, mask) for mask in masks.numpy()])).float()
    else:
        points = _inside(chance, masks)[:, None].float()
    labels = torch.tensor([[2, 3] if kind == "box" else [1]]).repeat(len(masks), 1)
    return Asked(kind, masks, points, labels)


def correct(chance: np.random.Generator, asked: Asked, answers: Tensor) -> Asked:
    """The same prompts and one click more, where the answer is wrong.     answers (N, S, S) bool"""
    wrong = asked.masks != answers
    wrong = torch.where(wrong.flatten(1).any(1)[:, None, None], wrong, asked.masks)
    where = _inside(chance, wrong)
    rows = torch.arange(len(where), device=where.device)
    labels = asked.masks[rows, where[:, 1], where[:, 0]].long()
    points = torch.cat([asked.points, where[:, None].float()], 1)
    return Asked(asked.kind, asked.masks, points, torch.cat([asked.labels, labels[:, None]], 1))


def _box(chance: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """(2, 2) two corners: half the time tight, else each side off by up to a tenth, as a person would draw it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    corners = np.array([[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]], float)
    slack = np.minimum(0.1 * (corners[1] - corners[0]), 10) * (chance.random() < 0.5)
    noisy = corners + chance.uniform(-1, 1, (2, 2)) * slack
    return np.clip(noisy, 0, np.array(mask.shape)[::-1] - 1)


def _inside(chance: np.random.Generator, masks: Tensor) -> Tensor:
    """(N, 2) x and y of a pixel of each mask (N, S, S): half the time any, else one far from the edge.

    All at once and where the masks are, so that a GPU need not wait for it.
    """
    inner = masks
    for reach in (2, 4, 8):
        worn = _worn(masks, reach)
        inner = torch.where(worn.flatten(1).any(1)[:, None, None], worn, inner)
    edge = torch.from_numpy(chance.random(len(masks)) < 0.5).to(masks.device)
    chosen = torch.where(edge[:, None, None], masks, inner).flatten(1)
    order = chosen.cumsum(1, dtype=torch.int32)
    share = torch.from_numpy(chance.random(len(masks))).to(masks.device)
    wanted = (share * order[:, -1]).to(torch.int32)  # so many pixels of it come before
    pick = torch.searchsorted(order, wanted[:, None] + 1)[:, 0]
    return torch.stack([pick % masks.shape[2], pick // masks.shape[2]], 1)


def _worn(masks: Tensor, reach: int) -> Tensor:
    """The pixels of (N, S, S) whose neighbours at `reach` along both axes and diagonals belong to the mask too."""
    for axis, size in ((1, masks.shape[1]), (2, masks.shape[2])):
        padded = F.pad(masks, (reach, reach) if axis == 2 else (0, 0, reach, reach))
        masks = masks & padded.narrow(axis, 0, size) & padded.narrow(axis, 2 * reach, size)
    return masks
