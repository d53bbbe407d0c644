"""Region proposals: torchvision's network, with the scores of what it proposes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead, concat_box_prediction_layers

from vidmem.detectors.architecture import Architecture


class Proposals(NamedTuple):
    """What may be an object in one picture, the likeliest first."""

    boxes: Tensor  # (N, 4) x0 y0 x1 y1 in pixels of the scaled picture
    objectness: Tensor  # (N,) 0..1


class Proposer(RegionProposalNetwork):
    """From a map (B, C, h, w) to proposals for each picture, and in training to the losses of the network."""

    def __init__(self, architecture: Architecture):
        of = architecture
        anchors = AnchorGenerator((of.anchor_sizes,), (of.anchor_ratios,))
        super().__init__(
            anchors,
            RPNHead(of.neck, anchors.num_anchors_per_location()[0]),
            fg_iou_thresh=of.rpn_above,
            bg_iou_thresh=of.rpn_below,
            batch_size_per_image=of.rpn_samples,
            positive_fraction=of.rpn_positive,
            pre_nms_top_n={"training": of.before_nms, "testing": of.before_nms},
            post_nms_top_n={"training": of.proposals_train, "testing": of.proposals_test},
            nms_thresh=of.rpn_nms,
        )

    def propose(
        self, images: Tensor, sizes: Sequence[tuple[int, int]], maps: Tensor, targets: list[dict[str, Tensor]] | None
    ) -> tuple[list[Proposals], dict[str, Tensor]]:
        """images (B, 3, H, W), sizes: (h, w) of each without its padding   ->   for each its proposals, and the losses.

        targets: for each picture its "boxes" (M, 4); None where nothing is to be learned.
        """
        listed = ImageList(images, list(sizes))
        objectness, deltas = self.head([maps])
        anchors = self.anchor_generator(listed, [maps])
        per_level = [each[0].numel() for each in objectness]
        objectness, deltas = concat_box_prediction_layers(objectness, deltas)
        boxes = self.box_coder.decode(deltas.detach(), anchors).view(len(images), -1, 4)
        found, scores = self.filter_proposals(boxes, objectness.float(), list(sizes), per_level)
        losses: dict[str, Any] = {}
        if targets is not None:
            labels, matched = self.assign_targets_to_anchors(anchors, targets)
            wanted = self.box_coder.encode(matched, anchors)
            present, place = self.compute_loss(objectness.float(), deltas.float(), labels, wanted)
            losses = {"rpn_present": present, "rpn_box": place}
        return [Proposals(*each) for each in zip(found, scores, strict=True)], losses
