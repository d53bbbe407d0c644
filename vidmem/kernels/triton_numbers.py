"""Rounding in Triton: its interpreter cuts float32 off to bfloat16, where every GPU rounds to the nearest; and what is
too large for float16 becomes its largest number, not infinity."""

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
    if dtype == tl.float16:
        x = tl.clamp(x, -65504.0, 65504.0)
    return x.to(dtype)
