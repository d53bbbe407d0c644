# Triton has types of its own.
# pyright: reportCallIssue=false, reportArgumentType=false
"""Memory attention on NVIDIA GPUs from Ampere on: keys in one pass, attention in segments, one pass to add them up.

Under Triton's interpreter (TRITON_INTERPRET=1 before this is imported) it runs on any machine, slowly, for tests.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec

import torch
from torch import Tensor

from vidmem.kernels.segments import cut
from vidmem.kernels.tokens import Attended, Places, Projection, Tokens

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
# In exact float32 the kernels want 40 times the registers there are: only the interpreter runs them so, for tests.
FLOATS = (torch.bfloat16, torch.float16, *((torch.float32,) if INTERPRETED else ()))


@dataclass(frozen=True)
class Shape:
    """How a kernel is cut: queries and keys at a time, warps, stages of the pipeline."""

    queries: int = 128
    keys: int = 64
    warps: int = 8
    stages: int = 3


HOPPER = Shape()  # 184 KiB of shared memory of 227
AMPERE = Shape(stages=2)  # 144 KiB of 163
SINGLE = Shape(queries=64, keys=32, warps=8, stages=2)  # float32 numbers are twice as large


def fits(device: torch.device, dtype: torch.dtype, keys: int, values: int) -> bool:
    """Whether this body can attend keys and values so wide there: both powers of two from 16 (keys: 32) to 256."""
    if find_spec("triton") is None or dtype not in FLOATS:
        return False
    if any(width & (width - 1) or not least <= width <= 256 for width, least in ((keys, 32), (values, 16))):
        return False
    return INTERPRETED or (device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0))


def memory_attention(
    q: Tensor,
    tokens: Tokens,
    places: Places,
    projection: Projection,
    *,
    pool: Callable[[Tensor], Tensor] | None = None,
    want_lse: bool = False,
    want_usage: bool = False,
    shape: Shape | None = None,
) -> Attended:
    """What `vidmem.kernels.memory_attention` promises."""
    keys, values = make_keys(tokens, places, projection, inner(q.dtype))
    if pool is not None:
        keys, values = pool(keys).contiguous(), pool(values).contiguous()
    seen = attend(q.contiguous(), keys, values, tokens, want_lse=want_lse, shape=shape)
    return replace(seen, usage=_usage(q, keys, tokens)) if want_usage else seen


def inner(dtype: torch.dtype) -> torch.dtype:
    """What keys, values and weights of the softmax are rounded to for queries of `dtype`.

    For bfloat16 it is float16: as quick on every GPU there is, as wide in memory, and eight times finer. Keys and
    tokens are some ten in size, far from its ends; what is larger than 65,504 stays at that.
    """
    return torch.float16 if dtype == torch.bfloat16 else dtype


def make_keys(tokens: Tokens, places: Places, projection: Projection, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """(T, C) keys and (T, Cm) values, both of `dtype`."""
    from vidmem.kernels.triton_keys import make_keys as kernel

    count, narrow = tokens.values.shape
    width = len(projection.bias)
    keys = torch.empty(count, width, dtype=dtype, device=tokens.values.device)
    same = tokens.values.dtype == dtype
    values = tokens.values.contiguous() if same else torch.empty_like(tokens.values, dtype=dtype)
    nothing = places.cosine
    block = 64
    kernel[(-(-count // block),)](
        tokens.values.contiguous(),
        nothing if tokens.step is None else tokens.step,
        nothing if tokens.least is None else tokens.least,
        places.code.contiguous(),
        tokens.code.contiguous(),
        tokens.entry,
        tokens.cell,
        nothing if tokens.scale is None else tokens.scale,
        projection.weight.contiguous(),
        projection.bias,
        places.cosine,
        places.sine,
        keys,
        values,
        count,
        CM=narrow,
        HALF=width // 2,
        BLOCK=block,
        EIGHT=tokens.step is not None,
        SCALED=tokens.scale is not None,
        WRITE_VALUES=not same,
        PRECISION="ieee",
        EMULATE=INTERPRETED,
        num_warps=8,
    )
    return keys, values


def attend(
    q: Tensor,
    keys: Tensor,
    values: Tensor,
    tokens: Tokens,
    *,
    want_lse: bool = False,
    shape: Shape | None = None,
    dtype: torch.dtype | None = None,
) -> Attended:
    """Queries (B or 1, M, C) at keys (T', C) with values (T', Cm).     dtype: of the result, that of q when left out"""
    from vidmem.kernels.triton_attention import attend_segments, combine

    shape = shape or _shape(q)
    lengths, (_, count, width), narrow = tokens.attended, q.shape, values.shape[1]
    blocks = -(-count // shape.queries)
    processors = torch.cuda.get_device_properties(q.device).multi_processor_count if q.is_cuda else 132
    segments = cut(lengths, blocks, processors, shape.keys, want_lse, q.device)
    several = max(segments.per_item) > 1
    number = len(segments.bounds)
    out = torch.empty(len(lengths), count, narrow, dtype=dtype or q.dtype, device=q.device)
    seen = torch.empty(number, count, narrow, dtype=torch.float32, device=q.device) if several else out
    lse = torch.empty(number, count, dtype=torch.float32, device=q.device)
    attend_segments[(blocks, number)](
        q,
        keys,
        values,
        lse if tokens.bias is None else tokens.bias,
        segments.bounds,
        seen,
        lse,
        q.stride(0) if len(q) > 1 else 0,
        count,
        width**-0.5 * math.log2(math.e),
        C=width,
        D=narrow,
        BM=shape.queries,
        BN=shape.keys,
        STAGES=shape.stages,
        BIASED=tokens.bias is not None,
        PRECISION="ieee",
        EMULATE=INTERPRETED,
        num_warps=shape.warps,
    )
    if several:
        grid = (-(-count // 64), len(lengths))
        combine[grid](seen, lse, segments.first, out, count, D=narrow, BM=64, EMULATE=INTERPRETED)
    return Attended(out, _by_entry(lse, segments.per_item, segments.entry, lengths) if want_lse else None)


def _usage(q: Tensor, keys: Tensor, tokens: Tokens) -> list[Tensor]:
    """For each item (T',): how much of the attention each key got."""
    from vidmem.kernels.blocked import usage

    found, start = [], 0
    for item, lengths in enumerate(tokens.attended):
        own = slice(start, start + sum(lengths))
        start = own.stop
        bias = None if tokens.bias is None else tokens.bias[None, own]
        found.append(usage(q[None, item if len(q) > 1 else 0, None].to(keys.dtype), keys[None, None, own], bias)[0])
    return found


def _by_entry(
    lse: Tensor, per_item: tuple[int, ...], entry: tuple[tuple[int, ...], ...], lengths: tuple[tuple[int, ...], ...]
) -> list[Tensor]:
    """For each item (M, E): the log-sum-exp of each entry, of its segments' in base 2."""
    found = []
    for own, part, item in zip(entry, lse.split(per_item), lengths, strict=True):
        counts = [own.count(number) for number in range(len(item))]
        each = [p.mul(math.log(2)).logsumexp(0) for p in part.split(counts)]
        found.append(torch.stack(each, dim=-1))
    return found


def _shape(q: Tensor) -> Shape:
    if q.dtype == torch.float32:
        return SINGLE
    hopper = q.is_cuda and torch.cuda.get_device_capability(q.device) >= (9, 0)
    return HOPPER if hopper else AMPERE
