"""Memory attention: the features of a frame look at what is remembered (SAM 2, section 4).

The weights, and the plain way through them that training takes. Tracking takes the faster one of recall.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor, nn

from vidmem.models.layers import Attention, Linear, Rotation
from vidmem.models.pages import Placement, turned
from vidmem.models.position import axial_rotation, rotate
from vidmem.models.sizes import Architecture


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
        self, image: Tensor, values: Tensor, keys: Tensor, own: Rotation, turn: Callable[[Tensor], Tensor] | None
    ) -> Tensor:
        """image (B or 1, N, C)   values, keys (B, M, Cm)   turn: the projected keys as attended   ->   (B, N, C)"""
        normed = self.norm1(image)
        image = image + self.self_attn(normed, normed, normed, own, partial(rotate, rotation=own))
        image = image + self.cross_attn_image(self.norm2(image), keys, values, own, turn)
        return image + self.linear2(self.linear1(self.norm3(image), "relu"))


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
        self, image: Tensor, memory: Tensor, keys: Tensor, grid: tuple[int, int], pages: Sequence[Placement]
    ) -> Tensor:
        """What the image is after remembering.     ->   (B, h w, C)

        image (B or 1, h w, C) features + 0.1 position, row by row over `grid` (h, w). One image for the whole batch is
        looked at once until the first layer meets the memories.
        memory (B, M, Cm) values   keys (B, M, Cm) memory + position
        pages: how each page lies; they come first in M and are rotated, the rest (object pointers) are not.
        """
        own = axial_rotation(image.shape[2], *grid, image.device)
        turn = partial(turned, grid=grid, pages=pages) if pages else None
        for layer in self.layers:
            image = layer(image, memory, keys, own, turn)
        return self.norm(image)
