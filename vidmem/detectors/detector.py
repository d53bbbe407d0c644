"""A two-stage detector: picture -> map -> proposals -> regions -> classes and boxes. It holds no state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from vidmem.detectors import attention
from vidmem.detectors.architecture import PIXEL_MEAN, PIXEL_STD, Architecture
from vidmem.detectors.backbone import build
from vidmem.detectors.head import Chosen, Head, Keys
from vidmem.detectors.proposals import Proposals, Proposer
from vidmem.errors import InputError, UsageError


@dataclass(frozen=True, eq=False)
class Sight:
    """What a detector made of some pictures before remembering anything."""

    images: Tensor  # (B, 3, H, W) scaled, normalised, padded
    sizes: tuple[tuple[int, int], ...]  # (h, w) of each, without the padding
    given: tuple[tuple[int, int], ...]  # (H, W) of each as it came
    maps: Tensor  # (B, C, h, w)

    def __len__(self) -> int:
        return len(self.sizes)


@dataclass(frozen=True, eq=False)
class Looked:
    """One picture as the second stage takes it. The same for every memory, as long as the first stage is."""

    maps: Tensor  # (1, C, h, w)
    proposals: Proposals
    size: tuple[int, int]  # (h, w) scaled
    given: tuple[int, int]  # (H, W) as it came
    regions: Tensor | None = None  # (N, C * side * side) of the proposals; None where they are still to be pooled


class Detector(nn.Module):
    """The weights. `architecture.classes` must be set."""

    def __init__(self, architecture: Architecture, pretrained: bool = False):
        super().__init__()
        if not architecture.classes:
            raise UsageError(f"The detector {architecture.name} knows no classes. Set classes to a list of names.")
        self.architecture = of = architecture
        made = build(of.backbone, of.stride, of.frozen_stages, pretrained)
        self.begins = made.begins
        self.backbone = made.module
        self.neck = nn.Conv2d(made.channels, of.neck, 3, padding=1)
        self.proposer = Proposer(of)
        self.head = Head(of)
        self.enhance_pixels = attention.build(of, of.neck) if of.pixel_level else None
        self.scale = GeneralizedRCNNTransform(
            of.short_side,
            of.long_side,
            [each / 255 for each in PIXEL_MEAN],
            [each / 255 for each in PIXEL_STD],
            size_divisible=of.divisible,
        )

    @property
    def device(self) -> torch.device:
        return self.neck.weight.device

    def encode(
        self, images: Sequence[Tensor], targets: list[dict[str, Tensor]] | None = None
    ) -> tuple[Sight, list[dict[str, Tensor]] | None]:
        """Pictures (3, H, W) uint8, of any sizes, in one batch. targets: for each its "boxes" in its own pixels and
        "labels"; they come back in pixels of the scaled picture."""
        for number, each in enumerate(images):
            if each.ndim != 3 or each.shape[0] != 3 or not each.numel():
                raise InputError(f"Picture {number} has the shape {tuple(each.shape)}; a detector takes (3, H, W).")
        given = tuple((each.shape[1], each.shape[2]) for each in images)
        scaled, targets = self.scale([each.to(self.device).float() / 255 for each in images], targets)
        maps = self.neck(self.backbone(scaled.tensors)).relu()
        return Sight(scaled.tensors, tuple(scaled.image_sizes), given, maps), targets

    def enhance_maps(self, maps: Tensor, keys: Sequence[Tensor | None]) -> Tensor:
        """The maps (B, C, h, w) with every cell enhanced by the pixel memory of its stream, keys (M, C).

        An empty memory is the map itself. Without a pixel level the maps as they are.
        """
        if self.enhance_pixels is None:
            return maps
        out = []
        for cells, theirs in zip(maps.flatten(2).transpose(1, 2), keys, strict=True):
            kept = cells if theirs is None or not len(theirs) else theirs.to(cells.dtype)
            out.append(self.enhance_pixels(cells, kept))
        return torch.stack(out).transpose(1, 2).reshape(maps.shape)

    def look(self, images: Sequence[Tensor]) -> list[Looked]:
        """Pictures as the second stage takes them, each by itself. Only where no pixel level comes between."""
        sight, _ = self.encode(images)
        proposals, _ = self.proposer.propose(sight.images, sight.sizes, sight.maps, None)
        regions = self.head.pool(sight.maps, [each.boxes for each in proposals])
        maps = sight.maps.split(1)
        return [Looked(*each) for each in zip(maps, proposals, sight.sizes, sight.given, regions, strict=True)]

    def loss(
        self, keys: Sequence[Tensor], targets: list[dict[str, Tensor]], references: Sequence[Sequence[Tensor]]
    ) -> dict[str, Tensor]:
        """What one training step is to lessen, by name.

        keys: pictures (3, H, W) uint8 with their targets; references: for each of them other frames of its video, whose
        proposals (the first `rows` of each) are what it attends to. Nothing is detached and no bank is used.
        """
        of, own = self.architecture, len(keys)
        others = [each for group in references for each in group] if of.attention != "none" else []
        counts = [len(group) for group in references] if others else [0] * own
        sight, scaled = self.encode([*keys, *others], [*targets, *[_nothing(self.device)] * len(others)])
        assert scaled is not None
        maps, rest = sight.maps[:own], sight.maps[own:]
        if of.pixel_level:
            maps = self.enhance_maps(maps, _cells(rest, counts, of.pixel_keys))
        proposals, losses = self.proposer.propose(sight.images[:own], sight.sizes[:own], maps, scaled[:own])
        looked = [Looked(*each) for each in zip(maps.split(1), proposals, sight.sizes, sight.given, strict=False)]
        seen: list[Looked] = []
        if others:
            with torch.no_grad():
                theirs, _ = self.proposer.propose(sight.images[own:], sight.sizes[own:], rest, None)
            seen = [
                Looked(*each) for each in zip(rest.split(1), theirs, sight.sizes[own:], sight.given[own:], strict=True)
            ]
        grouped = [[seen.pop(0) for _ in range(count)] for count in counts]
        return {**losses, **self.head_loss(looked, scaled[:own], grouped)}

    def head_loss(
        self, keys: Sequence[Looked], targets: list[dict[str, Tensor]], references: Sequence[Sequence[Looked]]
    ) -> dict[str, Tensor]:
        """The part of the loss that is the second stage's; targets in pixels of the scaled pictures."""
        of, head = self.architecture, self.head
        chosen = head.sample([each.proposals for each in keys], targets)
        attended: list[Keys] = []
        for group in references:
            regions = [self.regions(each, of.rows) for each in group]
            attended.append(head.references(torch.cat(regions)) if regions else [None] * of.layers)
        answers = head.answer([self._chosen(*each) for each in zip(keys, chosen, strict=True)], attended)
        return head.losses(answers, [each.labels for each in chosen], [each.deltas for each in chosen])

    def regions(self, looked: Looked, most: int | None = None) -> Tensor:
        """(N, C * side * side): the regions of a picture's proposals, or of the `most` likeliest."""
        if looked.regions is not None:
            return looked.regions[:most]
        return self.head.pool(looked.maps, [looked.proposals.boxes[:most]])[0]

    def _chosen(self, looked: Looked, chosen: Chosen) -> Tensor:
        """The regions that are learned from: of proposals, which may have been pooled before, and of true boxes."""
        if looked.regions is None:
            return self.head.pool(looked.maps, [chosen.boxes])[0]
        is_true = chosen.places >= len(looked.regions)
        (true,) = self.head.pool(looked.maps, [chosen.boxes[is_true]])
        return torch.cat([looked.regions[chosen.places[~is_true]], true])  # true boxes come last among the chosen


def _nothing(device: torch.device) -> dict[str, Tensor]:
    """The target of a picture that is only looked at."""
    return {"boxes": torch.zeros(0, 4, device=device), "labels": torch.zeros(0, dtype=torch.long, device=device)}


def _cells(maps: Tensor, counts: Sequence[int], most: int) -> list[Tensor]:
    """For each key frame at most `most` cells (M, C) of its references' maps (R, C, h, w), drawn at random.

    They are drawn from the whole map: to choose them by true boxes would tell the answer.
    """
    found = []
    for part in maps.split(list(counts)):
        cells = part.flatten(2).transpose(1, 2).reshape(-1, maps.shape[1])
        found.append(cells[torch.randperm(len(cells), device=cells.device)[:most]])
    return found
