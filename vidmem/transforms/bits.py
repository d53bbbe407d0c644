"""Memory in fewer bits: each number of a page as a code of 8 or 4 bits, unpacked when it is attended.

A channel has a range of its own in each page: of what was tried on memories of the embedded model (36 pages of DAVIS
videos) this errs least for its size. Relative error of the tokens, one range a channel, a token, a page: 0.44, 0.47,
0.85 % in 8 bits, 7.4, 8.0, 14 % in 4; ranges around zero err a fifth to a quarter more. bfloat16 itself errs 0.16 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vidmem.errors import UsageError
from vidmem.values import Memory, Packed


@dataclass(frozen=True, eq=False)
class Quantised:
    """A page whose numbers are steps above the least of their channel. Filled in place."""

    codes: Tensor  # uint8; (N, C) of 8 bits, or (N C / 2,) pairs of 4 bits, rounded up
    least: Tensor  # (C,) float32
    step: Tensor  # (C,) float32
    tokens: int  # N
    bits: int
    dtype: str  # of the tokens it stands for: the name of a torch dtype

    def __len__(self) -> int:
        return self.tokens

    def fill(self, tokens: Tensor) -> None:
        """Hold these (N, C) tokens."""
        tokens = tokens.float()
        least, most = tokens.aminmax(dim=0)
        self.least.copy_(least)
        self.step.copy_(((most - least) / (2**self.bits - 1)).clamp(min=1e-12))  # a channel may be constant
        codes = ((tokens - self.least) / self.step).round().to(torch.uint8)
        self.codes.copy_(codes if self.bits == 8 else _paired(codes))

    def unpacked(self) -> Tensor:
        """(N, C) the tokens, each at most half a step off."""
        codes = self.codes if self.bits == 8 else _parted(self.codes, self.tokens, len(self.step))
        return (codes * self.step + self.least).to(getattr(torch, self.dtype))


@dataclass(frozen=True)
class Bits:
    """Pages kept in `bits` bits a number: 8 halve the bytes of a memory in bfloat16, 4 quarter them."""

    bits: int = 8  # of each number that is kept: 8 or 4

    def __post_init__(self) -> None:
        if self.bits not in (4, 8):
            raise ValueError(f"bits.bits must be 8 or 4; got {self.bits}.")

    def keep(self, blank: Tensor | Packed) -> Quantised:
        if not isinstance(blank, Tensor):
            raise UsageError(
                f"Two transforms of this tracker pack its pages: bits came behind one that makes a "
                f"{type(blank).__name__}. Leave one of them out."
            )
        tokens, channels = blank.shape
        shape = (tokens, channels) if self.bits == 8 else ((tokens * channels + 1) // 2,)
        return Quantised(
            codes=torch.empty(shape, dtype=torch.uint8, device=blank.device),
            least=torch.empty(channels, dtype=torch.float32, device=blank.device),
            step=torch.empty(channels, dtype=torch.float32, device=blank.device),
            tokens=tokens,
            bits=self.bits,
            dtype=str(blank.dtype).removeprefix("torch."),
        )

    def show(self, memory: Memory) -> Memory:
        return memory  # whoever attends a page unpacks it


def _paired(codes: Tensor) -> Tensor:
    """Two codes of 4 bits a byte, the second in the upper half."""
    flat = codes.flatten()
    if len(flat) % 2:
        flat = torch.cat((flat, flat.new_zeros(1)))
    return flat[0::2] | (flat[1::2] << 4)


def _parted(pairs: Tensor, tokens: int, channels: int) -> Tensor:
    """(N, C) the codes in pairs of them."""
    return torch.stack((pairs & 15, pairs >> 4), dim=1).flatten()[: tokens * channels].view(tokens, channels)
