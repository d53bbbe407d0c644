"""Kernels: the few functions that are worth a second, faster body. `reference` is the truth they are tested against."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """softmax(q k^T / sqrt(C) + bias) v, by the fastest body that fits the tensors.

    q (B, A, M, C)   k (B, A, N, C)   v (B, A, N, D)   bias (B, N), added for every head and query   ->   (B, A, M, D)
    """
    from torch.nn.functional import scaled_dot_product_attention

    mask = None if bias is None else bias.to(q.dtype)[:, None, None, :]
    return scaled_dot_product_attention(q, k, v, attn_mask=mask)


def usage(q: Tensor, k: Tensor, bias: Tensor | None = None) -> Tensor:
    """How much each key is attended: softmax(q k^T / sqrt(C) + bias), averaged over heads and queries.

    q (B, A, M, C)   k (B, A, N, C)   bias (B, N)   ->   (B, N) float32, each row adds up to 1
    """
    from vidmem.kernels.blocked import usage

    return usage(q, k, bias)
