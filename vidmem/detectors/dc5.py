"""ResNet with a dilated last stage (DC5), as MAMBA has it: stride 16, 2048 channels, batch norm never trained."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models import resnet
from torchvision.ops import FrozenBatchNorm2d

from vidmem.detectors.backbone import Backbone


class Dc5(nn.Module):
    """ResNet up to its last stage, which keeps the stride of the one before and looks twice as far (dilation 2)."""

    def __init__(self, body: resnet.ResNet, frozen_stages: int):
        super().__init__()
        self.stem = nn.Sequential(body.conv1, body.bn1, body.relu, body.maxpool)
        self.stages = nn.ModuleList([body.layer1, body.layer2, body.layer3, body.layer4])
        for part in [self.stem, *self.stages][: frozen_stages + 1 if frozen_stages else 0]:
            part.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        out = self.stem(images)
        for stage in self.stages:
            out = stage(out)
        return out


def resnet50(name: str = "", stride: int = 16, frozen_stages: int = 1, pretrained: bool = True) -> Backbone:
    """ResNet-50 DC5, 2048 channels at stride 16."""
    return _dc5(resnet.resnet50, resnet.ResNet50_Weights.IMAGENET1K_V1, frozen_stages, pretrained)


def resnet101(name: str = "", stride: int = 16, frozen_stages: int = 1, pretrained: bool = True) -> Backbone:
    """ResNet-101 DC5, 2048 channels at stride 16."""
    return _dc5(resnet.resnet101, resnet.ResNet101_Weights.IMAGENET1K_V1, frozen_stages, pretrained)


def _dc5(make, weights, frozen_stages: int, pretrained: bool) -> Backbone:
    body = make(norm_layer=FrozenBatchNorm2d, replace_stride_with_dilation=[False, False, True])
    begins = "random weights (none were asked for)"
    if pretrained:
        try:
            body.load_state_dict(weights.get_state_dict(progress=False, check_hash=True), strict=False)
            begins = "ImageNet weights of torchvision"
        except (OSError, RuntimeError) as problem:  # no network, a broken file
            begins = f"random weights (those of ImageNet cannot be had: {str(problem).splitlines()[0]})"
    if begins.startswith("random"):
        frozen_stages = 0  # what was never trained must not be kept from it
    return Backbone(Dc5(body, frozen_stages), 2048, 16, begins)
