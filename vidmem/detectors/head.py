"""The second stage: regions to classes and boxes through two shared layers, each enhanced by a memory of its own.

    x <- FC_i(x)             before the ReLU
    x <- x + GEO_i(x, keys)  also before it
    what a bank is given is this x, enhanced, or where it asks so the one before
    x <- ReLU(x)

MAMBA (Sun et al., AAAI 2021), section 4; vfe.pytorch, mamba_bbox_head.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import roi_align

from vidmem.detectors import attention
from vidmem.detectors.architecture import Architecture
from vidmem.detectors.proposals import Proposals

Keys = Sequence[Tensor | None]
"""For each shared layer the keys (M, width) of one stream, or None where it has none yet."""


class Rows(NamedTuple):
    """The rows of one picture at one shared layer, before the ReLU, in the order of the proposals."""

    plain: Tensor  # (N, width)
    enhanced: Tensor  # (N, width); equal to `plain` where nothing was attended


class Answer(NamedTuple):
    """What the second stage says of the proposals of one picture."""

    scores: Tensor  # (N, classes + 1) logits, the background first
    deltas: Tensor  # (N, (classes + 1) * 4)
    rows: tuple[Rows, ...]  # for each shared layer


class Chosen(NamedTuple):
    """What is learned from in one picture."""

    boxes: Tensor  # (N, 4)
    places: Tensor  # (N,) ascending, among the picture's proposals with its true boxes behind them
    labels: Tensor  # (N,) 0 is the background
    deltas: Tensor  # (N, 4) from each box to the true one


class Head(RoIHeads):
    """torchvision's second stage (sampling, coding, suppression) with MAMBA's two layers in it."""

    def __init__(self, architecture: Architecture):
        of = architecture
        std = 1 / of.box_std
        super().__init__(
            nn.Identity(),
            nn.Identity(),
            nn.Identity(),
            of.roi_iou,
            of.roi_iou,
            of.roi_samples,
            of.roi_positive,
            (std, std, std, std),
            of.score_above,
            of.box_nms,
            of.most,
        )
        self.of = of
        widths = [of.neck * of.pooled**2, *[of.width] * of.layers]
        self.shared = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        made = [attention.build(of, of.width) for _ in range(of.layers)]
        self.enhance = nn.ModuleList(each for each in made if each is not None)
        self.classify = nn.Linear(of.width, of.outputs)
        self.place = nn.Linear(of.width, 4 * of.outputs)
        nn.init.normal_(self.classify.weight, std=0.01)
        nn.init.normal_(self.place.weight, std=0.001)
        for each in (self.classify, self.place):
            nn.init.zeros_(each.bias)

    def pool(self, maps: Tensor, boxes: list[Tensor]) -> list[Tensor]:
        """maps (B, C, h, w), boxes of each picture (N, 4)   ->   for each its regions, (N, C * side * side)."""
        of = self.of
        pooled = roi_align(maps, boxes, of.pooled, 1 / of.stride, of.sampling, aligned=True).flatten(1)
        return list(pooled.split([len(each) for each in boxes]))

    def references(self, regions: Tensor) -> tuple[Tensor, ...]:
        """(N, C * side * side) -> for each layer (N, width): what regions of a reference frame are as keys.

        They pass the shared layers without being enhanced. MAMBA, section 4: the first frame, and all training.
        """
        kept = []
        for layer in self.shared:
            regions = layer(regions)
            kept.append(regions)
            regions = regions.relu()
        return tuple(kept)

    def answer(self, regions: Sequence[Tensor], keys: Sequence[Keys]) -> list[Answer]:
        """One batch over several pictures; keys: for each of them those of each layer."""
        counts = [len(each) for each in regions]
        x = torch.cat(list(regions))
        rows: list[list[Rows]] = [[] for _ in counts]
        for number, layer in enumerate(self.shared):
            plain = layer(x)
            parts = []
            for picture, mine in enumerate(plain.split(counts)):
                theirs = keys[picture][number] if len(self.enhance) else None
                enhanced = mine
                if theirs is not None and len(theirs) and len(mine):
                    enhanced = self.enhance[number](mine, theirs.to(mine.dtype))
                rows[picture].append(Rows(mine, enhanced))
                parts.append(enhanced)
            x = torch.cat(parts).relu()
        scores, deltas = self.classify(x).split(counts), self.place(x).split(counts)
        return [Answer(s, d, tuple(r)) for s, d, r in zip(scores, deltas, rows, strict=True)]

    def sample(self, proposals: Sequence[Proposals], targets: list[dict[str, Tensor]]) -> list[Chosen]:
        """For each picture what is learned from: some of its proposals, true boxes among them."""
        truth = [each["boxes"].to(given.boxes.dtype) for each, given in zip(targets, proposals, strict=True)]
        boxes = self.add_gt_proposals([each.boxes for each in proposals], truth)
        matched, labels = self.assign_targets_to_proposals(boxes, truth, [each["labels"] for each in targets])
        found = []
        for number, places in enumerate(self.subsample(labels)):
            mine = boxes[number][places]
            true = truth[number] if len(truth[number]) else mine.new_zeros(1, 4)  # unused: all is background then
            (deltas,) = self.box_coder.encode([true[matched[number][places]]], [mine])
            found.append(Chosen(mine, places, labels[number][places], deltas))
        return found

    def losses(self, answers: Sequence[Answer], labels: Sequence[Tensor], wanted: Sequence[Tensor]) -> dict[str, Any]:
        """Cross entropy over classes, and smooth L1 over the boxes of what is an object."""
        scores = torch.cat([each.scores for each in answers]).float()
        deltas = torch.cat([each.deltas for each in answers]).float().view(len(scores), -1, 4)
        label, aim = torch.cat(list(labels)), torch.cat(list(wanted))
        is_object = torch.where(label > 0)[0]
        off = F.smooth_l1_loss(
            deltas[is_object, label[is_object]], aim[is_object], beta=self.of.box_beta, reduction="sum"
        )
        return {"class": F.cross_entropy(scores, label), "box": off / label.numel()}

    def decide(
        self, answers: Sequence[Answer], boxes: list[Tensor], sizes: Sequence[tuple[int, int]]
    ) -> list[tuple[Tensor, Tensor, Tensor]]:
        """For each picture boxes (D, 4), scores (D,) and labels (D,), the surest first."""
        scores = torch.cat([each.scores for each in answers]).float()
        deltas = torch.cat([each.deltas for each in answers]).float()
        found = self.postprocess_detections(scores, deltas, boxes, list(sizes))
        return list(zip(*found, strict=True))
