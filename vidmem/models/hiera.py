"""The image encoder of SAM 2: a Hiera trunk (Ryali et al. 2023; windowed as in Bolya et al. 2023) and its FPN neck."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.kernels import attend
from vidmem.models.derived import Derived
from vidmem.models.layers import MLP, Linear, Pointwise
from vidmem.models.sizes import Architecture


def _pool(x: Tensor) -> Tensor:
    """(B, h, w, C) -> (B, h / 2, w / 2, C), the greatest of each 2 x 2."""
    return F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def cut(x: Tensor, side: int) -> Tensor:
    """(B, h, w, C) -> (B * windows, side, side, C). A grid the windows do not divide is filled up with zeros, and the
    zeros are attended like any token: the published weights were trained so."""
    batch, height, width, channels = x.shape
    below, right = -height % side, -width % side
    if below or right:
        x = F.pad(x, (0, 0, 0, right, 0, below))
    rows, columns = (height + below) // side, (width + right) // side
    x = x.view(batch, rows, side, columns, side, channels).transpose(2, 3)
    return x.reshape(-1, side, side, channels)


def join(windows: Tensor, side: int, size: tuple[int, int]) -> Tensor:
    """(B * windows, side, side, C) -> (B, h, w, C), without what `cut` filled up."""
    height, width = size
    rows, columns = -(-height // side), -(-width // side)
    x = windows.view(-1, rows, columns, side, side, windows.shape[-1]).transpose(2, 3)
    return x.reshape(-1, rows * side, columns * side, windows.shape[-1])[:, :height, :width]


class WindowAttention(nn.Module):
    """Self-attention within each of a batch of grids; the queries may be pooled 2 x 2."""

    def __init__(self, width: int, width_out: int, heads: int, pool: bool):
        super().__init__()
        self.heads, self.pool = heads, pool
        self.qkv = Linear(width, 3 * width_out)
        self.proj = Linear(width_out, width_out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, h, w, width) -> (B, h or h / 2, w or w / 2, width_out)"""
        batch, height, width, _ = x.shape
        looking = self.qkv(x)
        q, k, v = looking.view(batch, height * width, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind()
        if self.pool:
            q = _pool(looking[..., : looking.shape[3] // 3])
            height, width = q.shape[1:3]
            q = q.reshape(batch, height * width, self.heads, -1).transpose(1, 2)
        return self.proj(attend(q, k, v).transpose(1, 2).reshape(batch, height, width, -1))


class Block(nn.Module):
    """One transformer block. `window` 0 attends over everything."""

    def __init__(self, width: int, width_out: int, heads: int, window: int, pool: bool):
        super().__init__()
        self.window, self.pool = window, pool
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = WindowAttention(width, width_out, heads, pool)
        self.norm2 = nn.LayerNorm(width_out, eps=1e-6)
        self.mlp = MLP((width_out, 4 * width_out, width_out), "gelu")
        self.proj = Linear(width, width_out) if width != width_out else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, h, w, width) -> (B, h or h / 2, w or w / 2, width_out)"""
        normed = self.norm1(x)
        # Where the width changes, the way past the attention also starts from the normalised tokens.
        past = x if self.proj is None else self.proj(normed)
        if self.pool:
            past = _pool(past)
        if self.window:
            seen = self.attn(cut(normed, self.window))
            seen = join(seen, self.window // 2 if self.pool else self.window, (past.shape[1], past.shape[2]))
        else:
            seen = self.attn(normed)
        x = past + seen
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    """Overlapping 7 x 7 patches, one every 4 pixels."""

    def __init__(self, width: int):
        super().__init__()
        self.proj = nn.Conv2d(3, width, kernel_size=7, stride=4, padding=3)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, H / 4, W / 4, width)"""
        # Channels last from the start: the first stage works on rows of channels, and else turns them round every time.
        return self.proj(pixels.contiguous(memory_format=torch.channels_last)).permute(0, 2, 3, 1)


class Hiera(nn.Module):
    """The trunk: four stages, each at half the grid and twice the width of the one before."""

    def __init__(self, sizes: Architecture):
        super().__init__()
        self.patch_embed = PatchEmbed(sizes.embed_dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, sizes.embed_dim, *sizes.background_size))
        self.pos_embed_window = nn.Parameter(
            torch.zeros(1, sizes.embed_dim, sizes.window_spec[0], sizes.window_spec[0])
        )
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        nn.init.trunc_normal_(self.pos_embed_window, std=0.02)
        self.blocks = nn.ModuleList()
        self.stage_ends: list[int] = []
        width = sizes.embed_dim
        for stage, (depth, width_out) in enumerate(zip(sizes.stages, sizes.channels, strict=True)):
            for first in (block == 0 for block in range(depth)):
                # The first block of a stage still looks through the windows of the stage before, then pools.
                window = sizes.window_spec[max(stage - 1, 0) if first else stage]
                if len(self.blocks) in sizes.global_att_blocks:
                    window = 0
                heads = sizes.num_heads * 2**stage
                self.blocks.append(Block(width, width_out, heads, window, pool=first and stage > 0))
                width = width_out
            self.stage_ends.append(len(self.blocks) - 1)
        self._position_map = Derived()

    def position_map(self, height: int, width: int) -> Tensor:
        """(1, height, width, C): a coarse learned map stretched over the grid, plus one window's map repeated."""

        def make() -> Tensor:
            stretched = F.interpolate(self.pos_embed, (height, width), mode="bicubic")
            side = self.pos_embed_window.shape[-1]
            repeated = self.pos_embed_window.tile(1, 1, -(-height // side), -(-width // side))
            return (stretched + repeated[:, :, :height, :width]).permute(0, 2, 3, 1).contiguous()

        return self._position_map((height, width), [self.pos_embed, self.pos_embed_window], make)

    def forward(self, pixels: Tensor, position: Tensor | None = None) -> list[Tensor]:
        """pixels (B, 3, H, W)   position: `position_map`, if there   ->   four stages (B, C, h, w), finest first"""
        x = self.patch_embed(pixels)
        x = x + (self.position_map(x.shape[1], x.shape[2]) if position is None else position)
        levels = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.stage_ends:
                levels.append(x.permute(0, 3, 1, 2))
        return levels


class Neck(nn.Module):
    """Brings every stage to one width. Only the stride-32 map is added downwards, into stride 16."""

    def __init__(self, channels: tuple[int, ...], d_model: int):
        super().__init__()
        # Published order: the deepest stage comes first.
        self.convs = nn.ModuleList(
            nn.Sequential(OrderedDict(conv=Pointwise(width, d_model))) for width in reversed(channels)
        )

    def forward(self, levels: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """four (B, C, h, w), finest first   ->   strides 4, 8 and 16 as (B, d_model, h, w)"""
        s4, s8 = (conv(level) for conv, level in zip(reversed(self.convs[2:]), levels[:2], strict=True))
        return s4, s8, self.deep(levels)

    def deep(self, levels: list[Tensor]) -> Tensor:
        """The stride-16 map alone.     ->   (B, d_model, h, w)"""
        s16, s32 = self.convs[1](levels[2]), self.convs[0](levels[3])
        return s16 + F.interpolate(s32.float(), scale_factor=2.0, mode="nearest").to(s16.dtype)

    def skipped(self, levels: list[Tensor], into: tuple[Pointwise, Pointwise]) -> tuple[Tensor, Tensor]:
        """What the mask decoder takes of strides 4 and 8, of which nobody else wants the d_model channels.

        Each is one product instead of two. No gradients.
        """
        s8, s4 = (each.get_submodule("conv") for each in self.convs[2:])
        assert isinstance(s4, Pointwise) and isinstance(s8, Pointwise)
        return into[0].behind(s4, levels[0]), into[1].behind(s8, levels[1])


class ImageEncoder(nn.Module):
    """Trunk and neck under their published names."""

    def __init__(self, sizes: Architecture):
        super().__init__()
        self.trunk = Hiera(sizes)
        self.neck = Neck(sizes.channels, sizes.d_model)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """pixels (B, 3, H, W)   ->   strides 4, 8 and 16 as (B, d_model, h, w)"""
        return self.neck(self.trunk(pixels))
