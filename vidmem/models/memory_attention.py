"""Memory attention: the features of a frame look at what is remembered (SAM 2, section 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from vidmem.models.layers import Attention, Linear, Rotation
from vidmem.models.pages import Placement, pooled, turned
from vidmem.models.position import axial_rotation, rotate
from vidmem.models.sizes import Architecture

Turn = Callable[[Tensor], Tensor]


class Remembered(NamedTuple):
    """What the features of a frame have become after looking at memory."""

    image: Tensor  # (B, N, C)
    usage: Tensor | None  # (B, M') how much each key was attended in the last layer, where that was wanted


class MemoryAttentionLayer(nn.Module):
    """Self-attention, attention over the memory, an MLP; each on normalised tokens."""

    def __init__(self, width: int, mem_dim: int, feedforward: int):
        super().__init__()
        self.self_attn = Attention(width, heads=1)
        self.cross_attn_image = Attention(width, heads=1, key_width=mem_dim)
        self.linear1 = Linear(width, feedforward)
        self.linear2 = Linear(feedforward, width)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(
        self,
        image: Tensor,
        values: Tensor,
        keys: Tensor,
        own: Rotation,
        turn: Turn | None,
        bias: Tensor | None,
        want_usage: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """image (B or 1, N, C)   keys (B, M, Cm)   values (B, M', Cm)   bias (B, M')   ->   (B, N, C), (B, M') or None

        turn: the M projected keys as the M' that are attended
        """
        normed = self.norm1(image)
        image = image + self.self_attn(normed, normed, normed, own, partial(rotate, rotation=own))
        normed = self.norm2(image)
        usage = self.cross_attn_image.usage(normed, keys, own, turn, bias) if want_usage else None
        image = image + self.cross_attn_image(normed, keys, values, own, turn, bias)
        return image + self.linear2(self.linear1(self.norm3(image), "relu")), usage


class MemoryAttention(nn.Module):
    """A stack of such layers. Space is in the rotation of queries and keys; time is only in the keys' position."""

    def __init__(self, sizes: Architecture):
        super().__init__()
        self.layers = nn.ModuleList(
            MemoryAttentionLayer(sizes.d_model, sizes.mem_dim, sizes.dim_feedforward)
            for _ in range(sizes.memory_layers)
        )
        self.norm = nn.LayerNorm(sizes.d_model)

    def forward(
        self,
        image: Tensor,
        memory: Tensor,
        keys: Tensor,
        grid: tuple[int, int],
        pages: Sequence[Placement],
        bias: Tensor | None = None,
        want_usage: bool = False,
    ) -> Remembered:
        """What the image is after remembering.

        image (B or 1, h w, C) features + 0.1 position, row by row over `grid` (h, w). One image for the whole batch is
        looked at once until the first layer meets the memories.
        memory (B, M, Cm) values   keys (B, M, Cm) memory + position   bias (B, M') added to the attention logits
        pages: how each page lies; they come first in M and are rotated, the rest (object pointers) are not. M' is M
        with what is pooled counted once.
        """
        own = axial_rotation(image.shape[2], *grid, image.device)
        turn = partial(turned, grid=grid, pages=pages) if pages else None
        values = pooled(memory, grid, pages)
        usage = None
        for depth, layer in enumerate(self.layers, start=1):
            last = depth == len(self.layers)
            image, usage = layer(image, values, keys, own, turn, bias, want_usage and last)
        return Remembered(self.norm(image), usage)
