"""What needs every score of an attention, without ever holding them all: one block of queries after the other."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 256  # queries at a time: 28 MiB of scores over the 28,736 keys of a full memory of SAM 2


def usage(q: Tensor, k: Tensor, bias: Tensor | None = None) -> Tensor:
    """softmax(q k^T / sqrt(C) + bias), averaged over heads and queries.

    q (B, A, M, C)   k (B, A, N, C)   bias (B, N)   ->   (B, N) float32
    """
    keys = k.transpose(-1, -2) * q.shape[-1] ** -0.5
    total = torch.zeros(len(k), k.shape[2], dtype=torch.float32, device=k.device)
    for block in q.split(BLOCK, dim=2):
        scores = (block @ keys).float()
        if bias is not None:
            scores += bias.float()[:, None, None, :]
        total += scores.softmax(-1).sum((1, 2))
    return total / (q.shape[1] * q.shape[2])
