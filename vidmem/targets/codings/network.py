"""LWL's trained parts (Bhat et al. 2020, arXiv 2003.11540): feature layer, label encoder, weight predictor, decoder.

They are a coding as any other (`prepare`, `encode`, `decode`), and take gradients: the label encoder is trained through
the steps of the solver, for only there it is seen what a filter can learn of a label.

[S] A bias-free 3 x 3 convolution and an instance norm before the filter; 16 channels; label head with a rectifier;
weight head that begins at 0 with a bias of 1; a learned lambda from .01; a decoder that joins the encoded mask with
finer and finer features by channel attention and residual blocks (pytracking 7eb9e74b, ltr/models/lwl).
[C] Masks are encoded from their own stride of 4 and not from full size, nothing is normalised over a batch, and all
widths are small: the embedded model is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.targets.codings import Seen
from vidmem.targets.codings.labels import SMALL, normalised
from vidmem.values import Features

STRIDE = 4  # cells of a mask along one of the features, as in every SAM 2


@dataclass(frozen=True)
class Sizes:
    """All that must be known to make the network. Features are told finest first."""

    features: tuple[int, ...]  # channels of each level of the model
    width: int = 64  # channels the filter works on. LWL: 512
    labels: int = 16  # K, channels of a label. LWL: 16
    masks: tuple[int, int] = (16, 32)  # of the label encoder, at strides 8 and 16. LWL: 16, 32, 64
    decoder: tuple[int, ...] = (16, 32, 32)  # of each level of the decoder. LWL: 64


class Learner(nn.Module):
    """The trained parts. `backbone`: the image encoder they belong to, "" while that is not said."""

    def __init__(self, sizes: Sizes, backbone: str = ""):
        super().__init__()
        self.sizes, self.backbone = sizes, backbone
        self.features = nn.Conv2d(sizes.features[-1], sizes.width, 3, padding=1, bias=False)
        self.masks = MaskEncoder(sizes)
        self.decoder = Decoder(sizes)
        self.regularisation = nn.Parameter(torch.tensor(0.01))

    @property
    def decay(self) -> Tensor:
        """lambda of the solver, a number that is learned."""
        return self.regularisation

    def prepare(self, features: Features) -> Seen:
        """A frame: levels (1, C, h, w) of a model, finest first."""
        levels = [each.float() for each in features.levels]
        deep = normalised(self.features(_even(levels[-1])), centred=False)
        return Seen(deep, tuple(_even(each)[0] for each in levels))

    def encode(self, mask: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Label and weights (K, h, w) of a mask (h', w') of 0..1."""
        wanted = grid[0] * STRIDE, grid[1] * STRIDE
        if tuple(mask.shape) != wanted:
            mask = F.interpolate(mask[None, None], wanted, mode="bilinear", antialias=True, align_corners=False)[0, 0]
        label, weight = self.masks(mask[None, None].float())
        return label[0], weight[0]

    def decode(self, scores: Tensor, seen: Seen) -> Tensor:
        """(h', w') logits of what a filter says (K, h, w)."""
        return self.decoder(scores[None], [each[None] for each in seen.finer])[0, 0]


class MaskEncoder(nn.Module):
    """A mask at stride 4 as a label at stride 16, and how much each number of it counts."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        first, second = sizes.masks
        self.stem = nn.Conv2d(1, first, 3, stride=2, padding=1)
        self.block = Residual(first, second, stride=2)
        self.label = nn.Conv2d(second, sizes.labels, 3, padding=1)
        self.weight = nn.Conv2d(second, sizes.labels, 3, padding=1)
        nn.init.zeros_(self.weight.weight)
        nn.init.ones_(self.weight.bias)  # type: ignore[arg-type]

    def forward(self, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1, 4h, 4w) 0..1   ->   label and weights, each (B, K, h, w)"""
        seen = self.block(F.relu(self.stem(mask)))
        return F.relu(self.label(seen)), self.weight(seen)


class Decoder(nn.Module):
    """A score map with the model's features as a mask at stride 4, level by level from coarse to fine."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        narrow = sizes.decoder[-len(sizes.features) :]
        coarser = (*narrow[1:], 0)  # what comes to a level from the one before; nothing to the first
        self.levels = nn.ModuleList(
            Level(channels, sizes.labels, width, before)
            for channels, width, before in zip(sizes.features, narrow, coarser, strict=True)
        )
        self.answer = nn.Conv2d(narrow[0], 1, 3, padding=1)

    def forward(self, scores: Tensor, features: Sequence[Tensor]) -> Tensor:
        """scores (B, K, h, w)   features (B or 1, C, h', w') each, finest first   ->   (B, 1, 4h, 4w)"""
        joined = None
        for level, each in zip(reversed(self.levels), reversed(features), strict=True):  # type: ignore[call-overload]
            joined = level(each, scores, joined)
        size = STRIDE * scores.shape[2], STRIDE * scores.shape[3]
        return F.interpolate(self.answer(joined), size, mode="bilinear", align_corners=False)


class Level(nn.Module):
    """One level of the decoder: features told where the mask is, those that matter for it, joined with the coarser."""

    def __init__(self, channels: int, labels: int, width: int, coarser: int):
        super().__init__()
        self.reduce = nn.Conv2d(channels, width, 1)
        self.tell = nn.Conv2d(width + labels, width, 3, padding=1)  # LWL: TSE
        self.join = Join(coarser, width) if coarser else None
        self.refine = Residual(width, width)  # LWL: RRB

    def forward(self, features: Tensor, scores: Tensor, coarser: Tensor | None) -> Tensor:
        size = (features.shape[2], features.shape[3])
        reduced = self.reduce(features).expand(len(scores), -1, -1, -1)
        told = F.relu(self.tell(torch.cat([reduced, _stretched(scores, size)], 1)))
        if self.join is None or coarser is None:
            return self.refine(told)
        return self.refine(self.join(told, coarser))


class Join(nn.Module):
    """What comes from the coarser level, and of this one the channels that matter then. LWL: CAB."""

    def __init__(self, coarser: int, width: int):
        super().__init__()
        self.come = nn.Conv2d(coarser, width, 1)
        self.attend = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, told: Tensor, coarser: Tensor) -> Tensor:
        come = _stretched(self.come(coarser), (told.shape[2], told.shape[3]))
        gate = self.attend(torch.cat([told.mean((2, 3)), come.mean((2, 3))], 1)).sigmoid()
        return come + gate[:, :, None, None] * told


class Residual(nn.Module):
    """Two convolutions beside a straight way."""

    def __init__(self, channels: int, width: int, stride: int = 1):
        super().__init__()
        self.first = nn.Conv2d(channels, width, 3, stride=stride, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        straight = channels == width and stride == 1
        self.beside = nn.Identity() if straight else nn.Conv2d(channels, width, 1, stride=stride)

    def forward(self, values: Tensor) -> Tensor:
        return F.relu(self.beside(values) + self.second(F.relu(self.first(values))))


def _even(level: Tensor) -> Tensor:
    """Features with a mean square of one, so that no level drowns the others."""
    return level / (level.square().mean((1, 2, 3), keepdim=True) + SMALL).sqrt()


def _stretched(values: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(values.shape[2:]) == size:
        return values
    return F.interpolate(values, size, mode="bilinear", align_corners=False)
