"""Candidates made up for tests of choices: no model needed."""

from __future__ import annotations

import torch
from torch import Tensor

from vidmem.values import Candidates


def square(x: int, y: int, side: int = 6, size: int = 32) -> Tensor:
    """(size, size) logits of a filled square with its upper left corner at (x, y)."""
    mask = torch.full((size, size), -8.0)
    mask[max(0, y) : max(0, y + side), max(0, x) : max(0, x + side)] = 8.0
    return mask


def offer(
    masks: list[Tensor], pred_iou: tuple[float, ...] | None = None, object_score_logit: float = 5.0
) -> Candidates:
    """Candidates of these masks; the first is rated best unless `pred_iou` says otherwise."""
    rated = pred_iou or tuple(0.9 - 0.1 * place for place in range(len(masks)))
    return Candidates(torch.stack(masks), rated, torch.zeros(len(masks), 4), torch.zeros(4), object_score_logit)


def moving(frame: int, object_score_logit: float = 5.0, pred_iou: tuple[float, ...] | None = None) -> Candidates:
    """Three candidates of an object that moves right by a pixel a frame: another thing, the object, nothing."""
    empty = torch.full((32, 32), -8.0)
    return offer([square(20, 20), square(frame % 24, 8), empty], pred_iou, object_score_logit)
