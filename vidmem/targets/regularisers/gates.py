"""Gates, one a parameter, kept in bits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor


def most_important(importance: Tensor, share: float) -> Tensor:
    """(...) bool: the given share of the parameters, those of the greatest importance; none where all is 0."""
    count = round(share * importance.numel())
    if count == 0 or not bool(importance.any()):
        return torch.zeros_like(importance, dtype=torch.bool)
    picked = torch.zeros(importance.numel(), dtype=torch.bool, device=importance.device)
    picked[importance.flatten().topk(count).indices] = True
    return picked.view_as(importance)


def packed(gates: Tensor) -> Tensor:
    """(ceil(n / 8),) uint8: gates (...) bool, eight to a byte."""
    bits = F.pad(gates.flatten().to(torch.uint8), (0, -gates.numel() % 8)).view(-1, 8)
    places = torch.tensor([1 << place for place in range(8)], dtype=torch.uint8, device=gates.device)
    return (bits * places).sum(1, dtype=torch.uint8)


def union(maps: Sequence[Tensor], shape: torch.Size) -> Tensor:
    """shape bool: gates that any of the maps (n / 8,) uint8 has."""
    either = reduce(torch.bitwise_or, maps)
    places = torch.arange(8, dtype=torch.uint8, device=either.device)
    bits = torch.bitwise_right_shift(either[:, None], places) & 1
    return bits.flatten()[: shape.numel()].view(shape).bool()
