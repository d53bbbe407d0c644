"""The memory encoder: a frame's features and the mask found in it, as one page of memory (SAM 2, section 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vidmem.models.layers import LayerNorm2d, Linear, Pointwise
from vidmem.models.sizes import Architecture


class MaskDownsampler(nn.Module):
    """Brings a mask at the input size to stride 16 in four steps of 2."""

    def __init__(self, width: int):
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (1, 4, 16, 64):
            layers += [
                nn.Conv2d(channels, channels * 4, kernel_size=3, stride=2, padding=1),
                LayerNorm2d(channels * 4),
                nn.GELU(),
            ]
        self.encoder = nn.Sequential(*layers, Pointwise(256, width))

    def forward(self, mask: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, width, H / 16, W / 16)"""
        return self.encoder(mask)


class FuserBlock(nn.Module):
    """A ConvNeXt block (Liu et al. 2022)."""

    def __init__(self, width: int, layer_scale: float):
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, kernel_size=7, padding=3, groups=width)
        self.norm = LayerNorm2d(width)
        self.pwconv1 = Linear(width, 4 * width)
        self.pwconv2 = Linear(4 * width, width)
        self.gamma = nn.Parameter(torch.full((width,), layer_scale))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, h, w)"""
        mixed = self.norm(self.dwconv(x)).permute(0, 2, 3, 1)
        mixed = self.gamma * self.pwconv2(self.pwconv1(mixed, "gelu"))
        return x + mixed.permute(0, 3, 1, 2)


class Fuser(nn.Module):
    def __init__(self, width: int, layer_scale: float, depth: int = 2):
        super().__init__()
        self.layers = nn.ModuleList(FuserBlock(width, layer_scale) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class MemoryEncoder(nn.Module):
    """Adds the mask to the features as they were before anything was remembered, and narrows the sum."""

    def __init__(self, sizes: Architecture):
        super().__init__()
        self.mask_downsampler = MaskDownsampler(sizes.d_model)
        self.pix_feat_proj = Pointwise(sizes.d_model, sizes.d_model)
        self.fuser = Fuser(sizes.d_model, sizes.layer_scale)
        self.out_proj = Pointwise(sizes.d_model, sizes.mem_dim)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """image (B or 1, C, h, w)   mask (B, 1, 16 h, 16 w), -10..10   ->   (B, Cm, h, w)"""
        return self.out_proj(self.fuser(self.pix_feat_proj(image) + self.mask_downsampler(mask)))
