"""What a person points at, as tokens: clicks, box corners and an earlier mask (Segment Anything, 2023, section 3)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.models.derived import Derived
from vidmem.models.layers import LayerNorm2d

NOT_A_POINT, BACKGROUND, FOREGROUND, BOX_START, BOX_END = -1, 0, 1, 2, 3


class FourierPosition(nn.Module):
    """A place in the picture through fixed random frequencies (Tancik et al. 2020)."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, features))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> FourierPosition:
        """Moved wherever it is to be, but never made coarser: places are finer than half precision can tell apart."""
        before = self.positional_encoding_gaussian_matrix
        super()._apply(fn, recurse)
        after = self.positional_encoding_gaussian_matrix
        if after.dtype in (torch.bfloat16, torch.float16) and before.dtype == torch.float32:
            self.positional_encoding_gaussian_matrix = before.to(after.device)
        return self

    def forward(self, places: Tensor) -> Tensor:
        """(..., 2) x and y, 0 at the near and 1 at the far edge -> (..., 2 * features)"""
        turns = (2 * places.float() - 1) @ self.positional_encoding_gaussian_matrix.float()
        angles = 2 * math.pi * turns
        return torch.cat((angles.sin(), angles.cos()), dim=-1)


class PromptEncoder(nn.Module):
    """Points to sparse tokens, a mask to a dense map."""

    def __init__(self, d_model: int, mask_channels: int = 16):
        super().__init__()
        self.pe_layer = FourierPosition(d_model // 2)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, d_model) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, d_model)
        self.no_mask_embed = nn.Embedding(1, d_model)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, mask_channels // 4, kernel_size=2, stride=2),
            LayerNorm2d(mask_channels // 4),
            nn.GELU(),
            nn.Conv2d(mask_channels // 4, mask_channels, kernel_size=2, stride=2),
            LayerNorm2d(mask_channels),
            nn.GELU(),
            nn.Conv2d(mask_channels, d_model, kernel_size=1),
        )
        self._image_position = Derived()

    def image_position(self, height: int, width: int) -> Tensor:
        """(d_model, height, width): the code of every grid cell's centre."""
        matrix = self.pe_layer.positional_encoding_gaussian_matrix

        def make() -> Tensor:
            rows = (torch.arange(height, device=matrix.device) + 0.5) / height
            columns = (torch.arange(width, device=matrix.device) + 0.5) / width
            places = torch.stack((columns.expand(height, -1), rows[:, None].expand(-1, width)), dim=-1)
            return self.pe_layer(places).permute(2, 0, 1).contiguous().to(dtype)

        dtype = self.no_mask_embed.weight.dtype
        return self._image_position((height, width, dtype), [matrix], make)

    def points(self, points: Tensor, labels: Tensor, size: tuple[int, int]) -> Tensor:
        """Sparse tokens.     points (B, P, 2) x and y in pixels of `size` (H, W)   labels (B, P)   ->   (B, P + 1, C)

        One padding token always follows, as no box is ever passed by itself. Without any point a padding point is
        put in first, so the decoder then sees two (SAM 2 was trained so).
        """
        if points.shape[1] == 0:
            return self.nothing(len(points))
        points = F.pad(points, (0, 0, 0, 1))
        labels = F.pad(labels, (0, 1), value=NOT_A_POINT)
        places = (points + 0.5) / points.new_tensor((size[1], size[0]))
        code = self.pe_layer(places).to(self.no_mask_embed.weight.dtype)
        kinds = torch.cat([each.get_parameter("weight") for each in (self.not_a_point_embed, *self.point_embeddings)])
        return torch.where(labels[..., None] == NOT_A_POINT, 0.0, code) + kinds[labels + 1]

    def nothing(self, batch: int) -> Tensor:
        """(B, 2, C) the sparse tokens where nothing is pointed at: two padding points, whose place is not told."""
        return self.not_a_point_embed.weight.expand(batch, 2, -1)

    def mask(self, logits: Tensor | None, grid: tuple[int, int]) -> Tensor:
        """The dense map.     logits (B, 1, 4h, 4w)   ->   (B, C, h, w); without logits (1, C, h, w)"""
        if logits is None:
            return self.no_mask_embed.weight[:, :, None, None].expand(-1, -1, *grid)
        return self.mask_downscaling(logits.to(self.no_mask_embed.weight.dtype))
