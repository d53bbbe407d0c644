"""What a person would say of an object: its mask, a loose box, a click in it, a click where an answer is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
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
    said = [_box(chance, mask) if kind == "box" else _click(chance, mask) for mask in masks.numpy()]
    labels = torch.tensor([[2, 3] if kind == "box" else [1]]).repeat(len(masks), 1)
    return Asked(kind, masks, torch.from_numpy(np.stack(said)).float(), labels)


def correct(chance: np.random.Generator, asked: Asked, answers: Tensor) -> Asked:
    """The same prompts and one click more, where the answer is wrong.     answers (N, S, S) bool"""
    points, labels = [], []
    device = asked.points.device
    for truth, answer in zip(asked.masks.cpu().numpy(), answers.cpu().numpy(), strict=True):
        wrong = truth != answer
        where = _inside(chance, wrong if wrong.any() else truth)
        points.append(where)
        labels.append(int(truth[int(where[1]), int(where[0])]))
    more = torch.cat([asked.points, torch.from_numpy(np.stack(points)).float()[:, None].to(device)], 1)
    named = torch.cat([asked.labels, torch.tensor(labels, device=device)[:, None]], 1)
    return Asked(asked.kind, asked.masks, more, named)


def _box(chance: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """(2, 2) two corners, each side off by up to a tenth of the box's extent as a person would draw it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    corners = np.array([[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]], float)
    slack = np.minimum(0.1 * (corners[1] - corners[0]), 10) * (chance.random() < 0.8)
    noisy = corners + chance.uniform(-1, 1, (2, 2)) * slack
    return np.clip(noisy, 0, np.array(mask.shape)[::-1] - 1)


def _click(chance: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    return _inside(chance, mask)[None]


def _inside(chance: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """(2,) x and y of a pixel of the mask: half the time any, else one far from the edge."""
    inner = mask
    if chance.random() < 0.5:
        for reach in (8, 4, 2):
            worn = _worn(mask, reach)
            if worn.any():
                inner = worn
                break
    rows, columns = np.nonzero(inner)
    pick = chance.integers(len(rows))
    return np.array([columns[pick], rows[pick]], float)


def _worn(mask: np.ndarray, reach: int) -> np.ndarray:
    """The pixels whose neighbours at `reach` along both axes and diagonals belong to the mask too."""
    padded = np.pad(mask, reach)
    height, width = mask.shape
    steps = (0, reach, 2 * reach)
    return np.logical_and.reduce([padded[y : y + height, x : x + width] for y in steps for x in steps])
