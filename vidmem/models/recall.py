"""Memory attention as it runs while tracking: memories of any lengths in one batch, values folded, weights made ready.

Says what `MemoryAttention` says, to rounding, in fewer operations: values stay tokens until the attention is done
(vidmem/kernels), the image's queries, keys and values come from one product, and channel pairs lie in halves. Training
goes through `MemoryAttention` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.kernels import attend, memory_attention
from vidmem.kernels.packed import Matrix, matrix
from vidmem.kernels.tokens import Places, Projection, Tokens, in_halves, turn
from vidmem.models.derived import Derived, Weights
from vidmem.models.memory_attention import MemoryAttention, MemoryAttentionLayer
from vidmem.models.position import axial_rotation


class Recalled(NamedTuple):
    """What the features of a frame have become after looking at each memory."""

    image: Tensor  # (B, N, C)
    usage: list[Tensor] | None  # for each memory (T',): how much each key was attended in the last layer


@dataclass(frozen=True, eq=False)
class _Layer:
    """The weights of a layer as they are used here."""

    look: Matrix  # (3 C, C): queries and keys in halves, values
    looked: Matrix  # (C, C)
    ask: Matrix  # (C, C): queries in halves
    keys: Projection  # in halves
    answer: Matrix  # (C, Cm): the projection of values and the one behind it in one
    widen: Matrix
    narrow: Matrix


class Recall:
    """Runs the layers of a `MemoryAttention` on memories in one piece."""

    def __init__(self, attention: MemoryAttention):
        self._attention = attention
        self._ready: list[Derived[_Layer]] = [Derived() for _ in attention.layers]
        self._weights = [Weights(layer) for layer in attention.layers]

    def __call__(
        self,
        image: Tensor,
        tokens: Tokens,
        places: Places,
        grid: tuple[int, int],
        pool: Callable[[Tensor], Tensor] | None = None,
        want_usage: bool = False,
    ) -> Recalled:
        """image (B or 1, N, C) features + 0.1 position, row by row over `grid`; one is looked at once for all memories
        until the first layer meets them."""
        cosine, sine = axial_rotation(image.shape[2], *grid, image.device)
        usage = None
        each = zip(self._layers(), self._weights, self._ready, strict=True)
        for depth, (layer, weights, derived) in enumerate(each, start=1):
            ready = derived((), weights(), lambda layer=layer: _prepared(layer))
            image = image + _self_attention(ready, layer.norm1(image), cosine, sine)
            asking = turn(ready.ask(layer.norm2(image)), cosine, sine)
            last = depth == len(self._ready)
            seen = memory_attention(asking, tokens, places, ready.keys, pool=pool, want_usage=want_usage and last)
            image, usage = image + ready.answer(seen.values), seen.usage
            image = image + ready.narrow(ready.widen(layer.norm3(image), "relu"))
        return Recalled(self._attention.norm(image), usage)

    def _layers(self) -> Sequence[MemoryAttentionLayer]:
        return [layer for layer in self._attention.layers if isinstance(layer, MemoryAttentionLayer)]


def _self_attention(ready: _Layer, normed: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    both, v = ready.look(normed).tensor_split((2 * normed.shape[2],), dim=2)
    q, k = turn(both.unflatten(2, (2, -1)), cosine[:, None], sine[:, None]).unbind(2)
    return ready.looked(attend(q[:, None], k[:, None], v[:, None])[:, 0])


def _prepared(layer: MemoryAttentionLayer) -> _Layer:
    own, other = layer.self_attn, layer.cross_attn_image
    look = torch.cat((in_halves(own.q_proj.weight), in_halves(own.k_proj.weight), own.v_proj.weight))
    look_bias = torch.cat((in_halves(own.q_proj.bias), in_halves(own.k_proj.bias), own.v_proj.bias))
    # Multiplied in double precision: one rounding instead of two.
    out = other.out_proj.weight.double()
    folded = out @ other.v_proj.weight.double()
    folded_bias = out @ other.v_proj.bias.double() + other.out_proj.bias.double()
    return _Layer(
        matrix(look, look_bias),
        _matrix(own.out_proj),
        matrix(in_halves(other.q_proj.weight), in_halves(other.q_proj.bias)),
        Projection(in_halves(other.k_proj.weight).contiguous(), in_halves(other.k_proj.bias).contiguous()),
        matrix(folded.type_as(look), folded_bias.type_as(look)),
        _matrix(layer.linear1),
        _matrix(layer.linear2),
    )


def _matrix(linear: nn.Linear) -> Matrix:
    return matrix(linear.weight, linear.bias)


def with_nowhere(code: Tensor, cosine: Tensor, sine: Tensor) -> Places:
    """Places of a grid, and behind them the one of tokens that lie nowhere: no code, no turn."""
    return Places(
        F.pad(code, (0, 0, 0, 1)).contiguous(),
        F.pad(cosine, (0, 0, 0, 1), value=1.0).contiguous(),
        F.pad(sine, (0, 0, 0, 1)).contiguous(),
    )
