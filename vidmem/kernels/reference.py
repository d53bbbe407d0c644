"""The truth about each kernel: a few lines of torch that can be checked by eye. Slow, and it stores every score."""

from __future__ import annotations

from torch import Tensor


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """softmax(q k^T / sqrt(C) + bias) v.

    q (B, A, M, C)   k (B, A, N, C)   v (B, A, N, D)   bias (B, N)   ->   (B, A, M, D)
    """
    return _weights(q, k, bias) @ v


def usage(q: Tensor, k: Tensor, bias: Tensor | None = None) -> Tensor:
    """softmax(q k^T / sqrt(C) + bias), averaged over heads and queries.

    q (B, A, M, C)   k (B, A, N, C)   bias (B, N)   ->   (B, N)
    """
    return _weights(q, k, bias).mean((1, 2))


def _weights(q: Tensor, k: Tensor, bias: Tensor | None) -> Tensor:
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    if bias is not None:
        scores = scores + bias[:, None, None, :]
    return scores.softmax(-1)
