"""The small layers that several parts of SAM 2 share. Parameter names are those of the published checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.kernels import attend
from vidmem.kernels.packed import Activation, Matrix, matrix, plain
from vidmem.models.derived import Derived
from vidmem.models.position import rotate

Rotation = tuple[Tensor, Tensor]


class Linear(nn.Linear):
    """torch's linear layer, with an activation behind it if wanted; where no gradients are wanted its weight is packed
    for the processor."""

    def __init__(self, width: int, width_out: int):
        super().__init__(width, width_out)
        self._ready: Derived[Matrix] = Derived()

    def forward(self, input: Tensor, activation: Activation = "none") -> Tensor:
        """(..., width) -> (..., width_out)"""
        if torch.is_grad_enabled() or torch.compiler.is_compiling():
            return plain(input, self.weight, self.bias, activation)
        return self._ready((), (self.weight, self.bias), lambda: matrix(self.weight, self.bias))(input, activation)


class Pointwise(nn.Conv2d):
    """A 1 x 1 convolution; where no gradients are wanted it is a product with a packed matrix, channels last."""

    def __init__(self, width: int, width_out: int):
        super().__init__(width, width_out, kernel_size=1)
        self._ready: Derived[Matrix] = Derived()

    def forward(self, input: Tensor) -> Tensor:
        """(B, width, h, w) -> (B, width_out, h, w)"""
        if torch.is_grad_enabled() or torch.compiler.is_compiling() or input.device.type != "cpu":
            return super().forward(input)
        return over_channels(input, self._ready((), (self.weight, *self._biases), self._made))

    def behind(self, first: Pointwise, input: Tensor) -> Tensor:
        """This convolution of the result of `first`, in one product: two linear maps are one. No gradients."""
        return over_channels(
            input, self._ready("behind", (*first.parameters(), *self.parameters()), lambda: self._after(first))
        )

    @property
    def _biases(self) -> tuple[Tensor, ...]:
        return () if self.bias is None else (self.bias,)

    def _made(self) -> Matrix:
        return matrix(self.weight.flatten(1), self.bias)

    def _after(self, first: Pointwise) -> Matrix:
        # Multiplied in double precision: one rounding instead of two.
        own = self.weight.flatten(1).double()
        weight, bias = own @ first.weight.flatten(1).double(), None
        if first.bias is not None and self.bias is not None:
            bias = (own @ first.bias.double() + self.bias.double()).type_as(self.bias)
        return matrix(weight.type_as(self.weight), bias)


def over_channels(x: Tensor, weight: Matrix) -> Tensor:
    """(B, C, h, w) -> (B, N, h, w), stored channels last."""
    return weight(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class MLP(nn.Module):
    """Linear layers with an activation between them."""

    def __init__(self, widths: tuple[int, ...], activation: Activation = "relu"):
        super().__init__()
        self.layers = nn.ModuleList(Linear(a, b) for a, b in pairwise(widths))
        self.activation: Activation = activation

    def forward(self, x: Tensor) -> Tensor:
        *hidden, last = self.layers
        for layer in hidden:
            x = layer(x, self.activation)
        return last(x)


class LayerNorm2d(nn.Module):
    """Layer normalisation over the channels of (B, C, h, w)."""

    def __init__(self, channels: int, eps: float = 1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] >= 32 and x.is_contiguous(memory_format=torch.channels_last):  # torch's own is quicker there
            return F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, self.eps).permute(
                0, 3, 1, 2
            )
        centred = x - x.mean(1, keepdim=True)
        spread = (centred.square().mean(1, keepdim=True) + self.eps).rsqrt()
        return torch.addcmul(self.bias[:, None, None], centred * spread, self.weight[:, None, None])


class Attention(nn.Module):
    """Multi-head attention whose keys and values may be narrower than its queries, and which may work in fewer
    channels than it is given."""

    def __init__(self, width: int, heads: int, inner: int | None = None, key_width: int | None = None):
        super().__init__()
        inner, key_width = inner or width, key_width or width
        self.heads = heads
        self.q_proj = Linear(width, inner)
        self.k_proj = Linear(key_width, inner)
        self.v_proj = Linear(key_width, inner)
        self.out_proj = Linear(inner, width)

    def forward(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        turn_queries: Rotation | None = None,
        turn_keys: Callable[[Tensor], Tensor] | None = None,
        bias: Tensor | None = None,
    ) -> Tensor:
        """q (B or 1, M, width)   k, v (B, N, key width)   bias (B, N)   ->   (B, M, width)

        `turn_keys` may make fewer keys of k; then v and bias have as many.
        """
        queries, keys = self._looking(q, k, turn_queries, turn_keys)
        values = self._split(self.v_proj(v))
        batch = max(len(queries), len(keys))
        queries, keys, values = (x.expand(batch, -1, -1, -1) for x in (queries, keys, values))
        return self.out_proj(attend(queries, keys, values, bias).transpose(1, 2).flatten(2))

    def _looking(
        self, q: Tensor, k: Tensor, turn_queries: Rotation | None, turn_keys: Callable[[Tensor], Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        """Queries and keys as they meet, (B or 1, heads, M, C) and (B, heads, N, C)."""
        queries, keys = self._split(self.q_proj(q)), self._split(self.k_proj(k))
        if turn_queries is not None:
            queries = rotate(queries, turn_queries)
        return queries, keys if turn_keys is None else turn_keys(keys)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, heads, N, C)
