"""What a backbone is, and how one is made by its name."""

from __future__ import annotations

from typing import NamedTuple

from torch import nn

from vidmem.detectors import backbones
from vidmem.errors import UsageError


class Backbone(NamedTuple):
    """A module from (B, 3, H, W) to (B, channels, H / stride, W / stride), and what to say of how it begins."""

    module: nn.Module
    channels: int
    stride: int
    begins: str  # "ImageNet weights of torchvision" or "random weights (why)"


def build(name: str, stride: int, frozen_stages: int, pretrained: bool) -> Backbone:
    """The backbone of a name of the table, or timm:NAME. Raises UnknownName, UsageError or ModelError."""
    kind, _, of = name.partition(":")
    make = backbones[kind]
    made = make(name=of, stride=stride, frozen_stages=frozen_stages, pretrained=pretrained)
    if made.stride != stride:
        raise UsageError(f"The backbone {name} has stride {made.stride}, the architecture says {stride}.")
    return made
