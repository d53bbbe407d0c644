"""The truth about each kernel: a few lines of torch that can be checked by eye. Slow, and it stores every score."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vidmem.kernels.tokens import Attended, Places, Projection, Tokens, keys_and_values


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


def memory_attention(
    q: Tensor,
    tokens: Tokens,
    places: Places,
    projection: Projection,
    *,
    pool: Callable[[Tensor], Tensor] | None = None,
    want_lse: bool = False,
    want_usage: bool = False,
) -> Attended:
    """What `vidmem.kernels.memory_attention` promises, in float32 or finer and rounded in the end."""
    asked, q = q.dtype, q.to(torch.promote_types(q.dtype, torch.float32))
    keys, values = keys_and_values(tokens, places, projection, q.dtype, pool)
    seen, lse, used, start = [], [], [], 0
    for item, lengths in enumerate(tokens.attended):
        own = slice(start, start + sum(lengths))
        start = own.stop
        logits = q[item if len(q) > 1 else 0] @ keys[own].T * q.shape[-1] ** -0.5
        if tokens.bias is not None:
            logits = logits + tokens.bias[own].to(logits.dtype)
        seen.append(logits.softmax(-1) @ values[own])
        used.append(logits.softmax(-1).mean(0))
        lse.append(torch.stack([part.logsumexp(-1) for part in logits.split(lengths, dim=-1)], dim=-1))
    return Attended(torch.stack(seen).to(asked), lse if want_lse else None, used if want_usage else None)


def _weights(q: Tensor, k: Tensor, bias: Tensor | None) -> Tensor:
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    if bias is not None:
        scores = scores + bias[:, None, None, :]
    return scores.softmax(-1)
