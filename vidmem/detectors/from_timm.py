"""Any backbone of timm that gives maps, by its name: timm:resnet18."""

from __future__ import annotations

from torch import Tensor, nn

from vidmem.detectors.backbone import Backbone
from vidmem.errors import ModelError, UsageError


class Taken(nn.Module):
    """One level of a timm backbone."""

    def __init__(self, body: nn.Module):
        super().__init__()
        self.body = body

    def forward(self, images: Tensor) -> Tensor:
        return self.body(images)[-1]


def of_timm(name: str, stride: int = 16, frozen_stages: int = 0, pretrained: bool = True) -> Backbone:
    """Any backbone of timm that gives maps. Raises UsageError for one it does not know, ModelError where it has no
    level of that stride."""
    try:
        import timm
    except ImportError as missing:
        raise UsageError(f"The backbone timm:{name} needs timm: pip install timm") from missing
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name[:6]}*")[:5])
        raise UsageError(f"timm has no model {name!r}." + (f" Near it: {near}." if near else ""))
    begins = "ImageNet weights of timm"
    probe = timm.create_model(name, features_only=True, pretrained=False)
    info: list = probe.feature_info.get_dicts()  # type: ignore[union-attr,operator]
    level = next((number for number, each in enumerate(info) if each["reduction"] == stride), None)
    if level is None:
        strides = ", ".join(str(each["reduction"]) for each in info)
        raise ModelError(f"timm:{name} has no level of stride {stride}; it has {strides}. Set stride to one of them.")
    body = probe
    try:
        body = timm.create_model(name, features_only=True, out_indices=(level,), pretrained=pretrained)
        begins = begins if pretrained else "random weights (none were asked for)"
    except Exception as problem:  # whatever a hub may raise: then it begins at random, and says so
        begins = f"random weights (those of ImageNet cannot be had: {str(problem).splitlines()[0][:120]})"
        body = timm.create_model(name, features_only=True, out_indices=(level,), pretrained=False)
    return Backbone(Taken(body), info[level]["num_chs"], stride, begins)
