# Triton has types of its own.
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false
"""Attention with keys of 256 and values of 64 channels over segments of a packed memory (Triton).

A segment is a run of keys of one item: [start, end, item]. Each program looks with one block of queries at one segment
and writes what it saw, with the log-sum-exp of its scores; `combine` adds up the segments of an item. So one mechanism
serves three ends: work for every processor of the GPU from the queries of a single object, items of different lengths
without padding, and the share of attention each entry got. Softmax as it streams: Milakov and Gimelshein 2018; blocks:
Dao et al. 2022.
"""

from __future__ import annotations

import triton
import triton.language as tl

from vidmem.kernels.triton_numbers import rounded


@triton.jit
def _see(
    q, keys, values, bias, start, end, seen, total, greatest, scale,
    C: tl.constexpr, D: tl.constexpr, BN: tl.constexpr, BIASED: tl.constexpr, RAGGED: tl.constexpr,
    PRECISION: tl.constexpr, EMULATE: tl.constexpr,
):  # fmt: skip
    """One block of keys from `start`: what was seen so far, corrected and added to. Scores are in base 2."""
    row = start + tl.arange(0, BN)
    channel = tl.arange(0, C)
    narrow = tl.arange(0, D)
    at = row.to(tl.int64)
    if RAGGED:
        here = row < end
        k = tl.load(keys + at[:, None] * C + channel[None, :], mask=here[:, None], other=0.0)
        v = tl.load(values + at[:, None] * D + narrow[None, :], mask=here[:, None], other=0.0)
    else:
        k = tl.load(keys + at[:, None] * C + channel[None, :])
        v = tl.load(values + at[:, None] * D + narrow[None, :])
    if EMULATE:  # the interpreter multiplies the bit patterns of bfloat16
        k = k.to(tl.float32)
    scores = tl.dot(q, tl.trans(k), input_precision=PRECISION) * scale
    if BIASED:
        added = tl.load(bias + row, mask=row < end, other=0.0)
        scores += added[None, :] * 1.4426950408889634
    if RAGGED:
        scores = tl.where((row < end)[None, :], scores, -1.0e30)
    highest = tl.maximum(greatest, tl.max(scores, 1))
    weights = tl.math.exp2(scores - highest[:, None])
    fade = tl.math.exp2(greatest - highest)
    total = total * fade + tl.sum(weights, 1)
    weights = rounded(weights, v.dtype, EMULATE)
    if EMULATE:
        weights = weights.to(tl.float32)
        v = v.to(tl.float32)
    seen = tl.dot(weights, v, seen * fade[:, None], input_precision=PRECISION)
    return seen, total, highest


@triton.jit
def attend_segments(
    queries,  # (B or 1, M, C)
    keys,  # (T', C)
    values,  # (T', D)
    bias,  # (T',) float32, where BIASED
    segments,  # (S, 3) int32
    seen_out,  # (S, M, D)
    lse_out,  # (S, M) float32, base 2
    of_item,  # stride of queries between items; 0 where all look with the same
    count,  # M
    scale,  # log2(e) / sqrt(C)
    C: tl.constexpr,
    D: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    STAGES: tl.constexpr,
    BIASED: tl.constexpr,
    PRECISION: tl.constexpr,
    EMULATE: tl.constexpr,
):
    segment = tl.program_id(1)
    start = tl.load(segments + segment * 3)
    end = tl.load(segments + segment * 3 + 1)
    item = tl.load(segments + segment * 3 + 2)
    row = tl.program_id(0) * BM + tl.arange(0, BM)
    ok = row < count
    channel = tl.arange(0, C)
    narrow = tl.arange(0, D)
    own = queries + item.to(tl.int64) * of_item
    q = tl.load(own + row[:, None] * C + channel[None, :], mask=ok[:, None], other=0.0)
    q = rounded(q.to(tl.float32), keys.dtype.element_ty, EMULATE)
    if EMULATE:
        q = q.to(tl.float32)
    greatest = tl.full([BM], -1.0e30, tl.float32)  # finite: nothing minus itself must stay nothing
    total = tl.zeros([BM], tl.float32)
    seen = tl.zeros([BM, D], tl.float32)
    whole = start + (end - start) // BN * BN
    for block in tl.range(start, whole, BN, num_stages=STAGES):
        seen, total, greatest = _see(
            q, keys, values, bias, block, end, seen, total, greatest, scale,
            C, D, BN, BIASED, False, PRECISION, EMULATE,
        )  # fmt: skip
    if whole < end:
        seen, total, greatest = _see(
            q, keys, values, bias, whole, end, seen, total, greatest, scale,
            C, D, BN, BIASED, True, PRECISION, EMULATE,
        )  # fmt: skip
    seen = rounded(seen / total[:, None], seen_out.dtype.element_ty, EMULATE)
    at = segment.to(tl.int64) * count + row
    tl.store(seen_out + at[:, None] * D + narrow[None, :], seen, mask=ok[:, None])
    tl.store(lse_out + at, greatest + tl.math.log2(total), mask=ok)


@triton.jit
def combine(
    seen,  # (S, M, D) float32
    lse,  # (S, M) float32, base 2
    first,  # (B + 1,) int32: the segments of item i are first[i] to first[i + 1]
    out,  # (B, M, D)
    count,  # M
    D: tl.constexpr,
    BM: tl.constexpr,
    EMULATE: tl.constexpr,
):
    item = tl.program_id(1)
    row = tl.program_id(0) * BM + tl.arange(0, BM)
    ok = row < count
    narrow = tl.arange(0, D)
    begin = tl.load(first + item)
    end = tl.load(first + item + 1)
    greatest = tl.full([BM], -1.0e30, tl.float32)
    for segment in range(begin, end):
        greatest = tl.maximum(greatest, tl.load(lse + segment * count + row, mask=ok, other=-1.0e30))
    total = tl.zeros([BM], tl.float32)
    added = tl.zeros([BM, D], tl.float32)
    for segment in range(begin, end):
        at = (segment * count + row).to(tl.int64)
        weight = tl.math.exp2(tl.load(lse + at, mask=ok, other=-1.0e30) - greatest)
        total += weight
        added += weight[:, None] * tl.load(seen + at[:, None] * D + narrow[None, :], mask=ok[:, None], other=0.0)
    to = out + (item.to(tl.int64) * count + row)[:, None] * D + narrow[None, :]
    tl.store(to, rounded(added / total[:, None], out.dtype.element_ty, EMULATE), mask=ok[:, None])
