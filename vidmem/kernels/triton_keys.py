"""Keys of memory tokens in one pass over them (Triton): unpack, add place and age, scale, project, turn, store.

Written out in torch this is nine passes.
"""

from __future__ import annotations

import triton
import triton.language as tl

from vidmem.kernels.triton_numbers import rounded


@triton.jit
def make_keys(
    tokens,  # (T, CM) float or uint8
    step,  # (E, CM) float32, of uint8 tokens
    least,  # (E, CM) float32, of uint8 tokens
    place,  # (L, CM)
    code,  # (E, CM)
    entry,  # (T,) int32
    cell,  # (T,) int32
    scale,  # (T,) float32
    weight,  # (2 HALF, CM)
    bias,  # (2 HALF,)
    cosine,  # (L, HALF) float32
    sine,  # (L, HALF) float32
    keys,  # (T, 2 HALF) out
    values,  # (T, CM) out, where WRITE_VALUES
    count,  # T
    CM: tl.constexpr,
    HALF: tl.constexpr,
    BLOCK: tl.constexpr,
    EIGHT: tl.constexpr,
    SCALED: tl.constexpr,
    WRITE_VALUES: tl.constexpr,
    PRECISION: tl.constexpr,
    EMULATE: tl.constexpr,
):
    row = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    ok = row < count
    channel = tl.arange(0, CM)
    half = tl.arange(0, HALF)
    at = row.to(tl.int64)[:, None]
    here = ok[:, None]
    own = tl.load(entry + row, mask=ok, other=0)
    lies = tl.load(cell + row, mask=ok, other=0)
    x = tl.load(tokens + at * CM + channel[None, :], mask=here, other=0).to(tl.float32)
    if EIGHT:
        x = x * tl.load(step + own[:, None] * CM + channel[None, :])
        x += tl.load(least + own[:, None] * CM + channel[None, :])
    if WRITE_VALUES:
        tl.store(values + at * CM + channel[None, :], rounded(x, values.dtype.element_ty, EMULATE), mask=here)
    x += tl.load(place + lies[:, None] * CM + channel[None, :]).to(tl.float32)
    x += tl.load(code + own[:, None] * CM + channel[None, :]).to(tl.float32)
    if SCALED:
        x *= tl.load(scale + row, mask=ok, other=0.0)[:, None]
    x = rounded(x, keys.dtype.element_ty, EMULATE)
    first_weight = tl.load(weight + half[None, :] * CM + channel[:, None]).to(tl.float32)
    second_weight = tl.load(weight + (HALF + half)[None, :] * CM + channel[:, None]).to(tl.float32)
    first_weight = rounded(first_weight, keys.dtype.element_ty, EMULATE)
    second_weight = rounded(second_weight, keys.dtype.element_ty, EMULATE)
    if EMULATE:
        x = x.to(tl.float32)
        first_weight = first_weight.to(tl.float32)
        second_weight = second_weight.to(tl.float32)
    first = tl.dot(x, first_weight, input_precision=PRECISION)
    second = tl.dot(x, second_weight, input_precision=PRECISION)
    first += tl.load(bias + half).to(tl.float32)[None, :]
    second += tl.load(bias + HALF + half).to(tl.float32)[None, :]
    turn_x = tl.load(cosine + lies[:, None] * HALF + half[None, :])
    turn_y = tl.load(sine + lies[:, None] * HALF + half[None, :])
    to = keys + at * (2 * HALF) + half[None, :]
    tl.store(to, rounded(first * turn_x - second * turn_y, keys.dtype.element_ty, EMULATE), mask=here)
    tl.store(to + HALF, rounded(first * turn_y + second * turn_x, keys.dtype.element_ty, EMULATE), mask=here)
