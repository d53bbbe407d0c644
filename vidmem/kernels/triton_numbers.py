"""Rounding in Triton: its interpreter cuts float32 off to bfloat16, where every GPU rounds to the nearest."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def rounded(x, dtype: tl.constexpr, EMULATE: tl.constexpr):
    """float32 as `dtype`, rounded to the nearest, ties to even."""
    if EMULATE and dtype == tl.bfloat16:
        bits = x.to(tl.int32, bitcast=True)
        bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & -65536
        x = bits.to(tl.float32, bitcast=True)
    return x.to(dtype)
