"""Kernels: the few functions that are worth a second, faster body. `reference` is the truth they are tested against.

Bodies: `reference.py` plain torch; `blocked.py` CPUs and whatever has no other; `triton_body.py` NVIDIA GPUs from
Ampere on. A tensor's device and dtype decide, so a caller never does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from vidmem.kernels.tokens import Attended, Places, Projection, Tokens


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """softmax(q k^T / sqrt(C) + bias) v, by the fastest body that fits the tensors.

    q (B, A, M, C)   k (B, A, N, C)   v (B, A, N, D)   bias (B, N), added for every head and query   ->   (B, A, M, D)
    """
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    if q.dtype == torch.bfloat16 and q.device.type == "cpu" and not _learning(q, k, v, bias):
        from vidmem.kernels import blocked, packed

        if q.shape[2] * k.shape[2] >= blocked.WORTH_BLOCKS:
            if torch.compiler.is_compiling():
                from vidmem.kernels import opaque

                return opaque.attend(q, k, v, bias)
            if packed.packable(k[0, 0]):
                return blocked.attend(q, k, v, bias)
    mask = None if bias is None else bias.to(q.dtype)[:, None, None, :]
    return scaled_dot_product_attention(q, k, v, attn_mask=mask)


def usage(q: Tensor, k: Tensor, bias: Tensor | None = None) -> Tensor:
    """How much each key is attended: softmax(q k^T / sqrt(C) + bias), averaged over heads and queries.

    q (B, A, M, C)   k (B, A, N, C)   bias (B, N)   ->   (B, N) float32, each row adds up to 1
    """
    from vidmem.kernels.blocked import usage

    return usage(q, k, bias)


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
    """Queries look at memories of any lengths: keys are made of the tokens and turned, values are the tokens.

    q (B or 1, M, C) turned already, its channel pairs in halves as those of keys are (see tokens.py); one for all items
    where they look with the same.
    pool: makes (T', ...) of (T, ...) keys and values where several tokens are attended as one.
    want_lse: also the log-sum-exp of each entry, from which follows how much of the attention it got; costs next to
    nothing. want_usage: how much each single key got; costs a second look.

    Values are projected afterwards, in 64 instead of 256 channels, since the weights of a query add up to 1:
    (P M Wv + 1 b) Wo = P M (Wv Wo) + b Wo. Exact but for rounding; asks for one head and no dropout (SAM 2, section 4).
    Raises ValueError for tensors that do not fit each other.
    """
    import torch

    from vidmem.kernels import blocked, reference

    if q.ndim != 3 or len(q) not in (1, len(tokens.entries)) or q.shape[2] != len(projection.bias):
        raise ValueError(
            f"memory_attention: queries are {tuple(q.shape)}; wanted (1 or {len(tokens.entries)}, M, "
            f"{len(projection.bias)}), as many as there are items and as wide as the keys."
        )
    body = blocked.memory_attention
    if _learning(q, tokens.values, tokens.code, projection.weight):
        body = reference.memory_attention
    elif q.device.type == "cuda":
        from vidmem.kernels import triton_body

        if triton_body.fits(q.device, q.dtype, q.shape[2], tokens.values.shape[1]):
            body = triton_body.memory_attention
    with torch.profiler.record_function("vidmem::memory_attention"):
        return body(q, tokens, places, projection, pool=pool, want_lse=want_lse, want_usage=want_usage)


def _learning(*tensors: Tensor | None) -> bool:
    """Whether gradients are wanted through any of them."""
    import torch

    return torch.is_grad_enabled() and any(each is not None and each.requires_grad for each in tensors)
