"""Memories gone wrong, as a long stream leaves them: a part of the object forgotten, or surroundings taken for it.

Few training clips are long enough for a model to lose its way, and those it knows by heart it does not lose. What it
remembers is therefore spoiled on purpose, so that it learns to mend it by what it was first shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Kind = Literal["side", "piece", "spill", "nothing"]
KINDS: tuple[tuple[Kind, float], ...] = (("side", 0.35), ("piece", 0.2), ("spill", 0.25), ("nothing", 0.2))
SIDE = (0.15, 0.75)  # of the object's pixels that lie on the forgotten side of a line
REACH = (0.35, 0.9)  # radius of a piece, or of surroundings taken in, as a share of the root of the object's area
FULL = 3  # frames in which the damage comes about


@dataclass(frozen=True, eq=False)
class Wear:
    """What is done to the masks that are remembered of some frames."""

    lost: Tensor  # (N, T, S, S) bool, where nothing is remembered
    added: Tensor  # (N, T, S, S) bool, where the object is remembered whatever was seen

    def spoil(self, mask: Tensor, step: int) -> Tensor:
        """A mask (N, 1, S, S) 0..1 of frame number `step` as it is remembered."""
        lost, added = (each[:, step, None].to(mask.device) for each in (self.lost, self.added))
        return torch.where(added, torch.ones_like(mask), mask) * ~lost


def wear(chance: np.random.Generator, masks: Tensor) -> Wear:
    """Damage that comes about in a few frames and then stays with each object wherever it moves.

    masks (N, T, S, S) bool, the truth
    """
    lost, added = torch.zeros_like(masks), torch.zeros_like(masks)
    names, odds = [name for name, _ in KINDS], [share for _, share in KINDS]
    for number, frames in enumerate(masks.numpy()):
        kind = chance.choice(names, p=odds)
        turn = chance.uniform(0, 2 * np.pi)
        share, reach = chance.uniform(*SIDE), chance.uniform(*REACH)
        far = 1.0 if kind == "spill" else chance.uniform(0.2, 0.6)
        for step, mask in enumerate(frames):
            rows, columns = np.nonzero(mask)
            if kind == "nothing" or not len(rows):
                continue
            done = min(1.0, (step + 1) / FULL)
            if kind == "side":
                lost[number, step] = torch.from_numpy(_side(rows, columns, mask.shape, turn, share * done))
                continue
            disc = _disc(rows, columns, mask.shape, turn, far, reach * done)
            (added if kind == "spill" else lost)[number, step] = torch.from_numpy(disc)
    return Wear(lost, added)


def _side(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, ...], turn: float, share: float) -> np.ndarray:
    """(S, S) bool: beyond a line that leaves `share` of the object's pixels behind it."""
    along = np.cos(turn) * columns + np.sin(turn) * rows
    line = np.quantile(along, 1 - share)
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.cos(turn) * x + np.sin(turn) * y > line


def _disc(
    rows: np.ndarray, columns: np.ndarray, shape: tuple[int, ...], turn: float, far: float, reach: float
) -> np.ndarray:
    """(S, S) bool: about a point that lies in one direction, `far` of the way from the object's middle to its rim."""
    middle_y, middle_x = rows.mean(), columns.mean()
    away = far * (np.cos(turn) * (columns - middle_x) + np.sin(turn) * (rows - middle_y)).max()
    y, x = np.ogrid[: shape[0], : shape[1]]
    inside = (y - middle_y - away * np.sin(turn)) ** 2 + (x - middle_x - away * np.cos(turn)) ** 2
    return inside < (reach * np.sqrt(len(rows))) ** 2
