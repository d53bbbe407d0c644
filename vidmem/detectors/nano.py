"""A few residual blocks at stride 8, for small pictures on a CPU."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.detectors.backbone import Backbone


class Residual(nn.Module):
    """Two convolutions around which the picture also passes as it is, or halved."""

    def __init__(self, before: int, after: int, stride: int = 1):
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        same = before == after and stride == 1
        self.past = nn.Identity() if same else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out = self.second_norm(self.second(F.relu(self.first_norm(self.first(x)))))
        return F.relu(out + self.past(x))


def nano(
    name: str = "",
    stride: int = 8,
    frozen_stages: int = 0,
    pretrained: bool = False,
    channels: tuple[int, int, int] = (24, 48, 96),
) -> Backbone:
    """Three residual blocks behind a stem, stride 8; about 0.4 million parameters, batch norm trained."""
    thin, middle, wide = channels
    stem = nn.Sequential(nn.Conv2d(3, thin, 3, 2, 1, bias=False), nn.BatchNorm2d(thin), nn.ReLU())
    blocks = [Residual(thin, middle, 2), Residual(middle, wide, 2), Residual(wide, wide)]
    return Backbone(nn.Sequential(stem, *blocks), wide, 8, "random weights (this backbone has no others)")
