"""Memory attention: the features of a frame look at what is remembered (SAM 2, section 4)."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from vidmem.errors import UsageError
from vidmem.models.layers import Attention, Rotation
from vidmem.models.position import axial_rotation, rotate
from vidmem.models.sizes import Architecture


def page_stride(tokens: int, grid: tuple[int, int]) -> int:
    """How many cells of the grid one token of a page stands for, along each axis: 1, or more for a pooled page."""
    height, width = grid
    stride = 1
    while height // stride * (width // stride) > tokens:
        stride += 1
    if height % stride or width % stride or height * width != tokens * stride * stride:
        raise UsageError(
            f"A memory page of {tokens} tokens does not fit the model's {height} x {width} memory grid "
            f"({height * width} tokens, or that divided by a square). Was it made by a model of another input size?"
        )
    return stride


def _turn_keys(rotations: list[Rotation], keys: Tensor) -> Tensor:
    """Rotate the tokens of each page as if it lay over the current frame; what follows the pages stays as it is."""
    sizes = [len(cosine) for cosine, _ in rotations]
    paged = sum(sizes)
    pages, rest = keys[:, :, :paged], keys[:, :, paged:]
    if len(set(sizes)) == 1:
        turned = rotate(pages.unflatten(2, (len(sizes), -1)), rotations[0]).flatten(2, 3)
    else:
        cosines, sines = zip(*rotations, strict=True)
        turned = rotate(pages, (torch.cat(cosines), torch.cat(sines)))
    return torch.cat((turned, rest), dim=2) if rest.shape[2] else turned


class MemoryAttentionLayer(nn.Module):
    """Self-attention, attention over the memory, an MLP; each on normalised tokens."""

    def __init__(self, width: int, mem_dim: int, feedforward: int):
        super().__init__()
        self.self_attn = Attention(width, heads=1)
        self.cross_attn_image = Attention(width, heads=1, key_width=mem_dim)
        self.linear1 = nn.Linear(width, feedforward)
        self.linear2 = nn.Linear(feedforward, width)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(
        self,
        image: Tensor,
        memory: Tensor,
        keys: Tensor,
        own: Rotation,
        pages: list[Rotation],
        bias: Tensor | None,
    ) -> Tensor:
        """image (B or 1, N, C)   memory, keys (B, M, Cm)   bias (B, M)   ->   (B, N, C)"""
        normed = self.norm1(image)
        image = image + self.self_attn(normed, normed, normed, own, partial(rotate, rotation=own))
        turn = partial(_turn_keys, pages) if pages else None
        image = image + self.cross_attn_image(self.norm2(image), keys, memory, own, turn, bias)
        return image + self.linear2(self.linear1(self.norm3(image)).relu())


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
        pages: tuple[int, ...],
        bias: Tensor | None = None,
    ) -> Tensor:
        """What the image is after remembering.

        image (B or 1, h w, C) features + 0.1 position, row by row over `grid` (h, w). One image for the whole batch is
        looked at once until the first layer meets the memories.
        memory (B, M, Cm) values   keys (B, M, Cm) memory + position   bias (B, M) added to the attention logits
        pages: tokens of each page; they come first in M and are rotated, the rest (object pointers) are not.
        """
        channels, device = image.shape[2], image.device
        own = axial_rotation(channels, *grid, device)
        turns = [axial_rotation(channels, *grid, device, page_stride(tokens, grid)) for tokens in pages]
        for layer in self.layers:
            image = layer(image, memory, keys, own, turns, bias)
        return self.norm(image)
