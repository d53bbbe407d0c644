"""Detectors: what finds every object of known classes in a frame, with heads that attend to a memory of features.

    detector = load("nano-detector")                    # a shipped name, or a path to a checkpoint
    maps = detector.encode(images)                      # looked at once, in one batch

A detector knows nothing of how the features it attends to were kept: that is for vidmem/feature_banks, and the loop
that joins the two is vidmem/detecting.py. Backbones are a table; tests/test_detector_parts.py tries each line of it.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from vidmem.catalog import Catalog
from vidmem.errors import UsageError

if TYPE_CHECKING:
    from vidmem.detectors.backbone import Backbone

if find_spec("torchvision") is None:
    raise UsageError("Detectors are made of torchvision's parts: pip install 'vidmem[detect]'")

backbones: Catalog[Backbone] = Catalog(
    "backbone",
    "vidmem.backbones",
    {
        "resnet50-dc5": "vidmem.detectors.dc5:resnet50",  # MAMBA's, with dilation in the last stage
        "resnet101-dc5": "vidmem.detectors.dc5:resnet101",
        "nano": "vidmem.detectors.nano:nano",  # a few residual blocks at stride 8, for small pictures on a CPU
        "timm": "vidmem.detectors.from_timm:of_timm",  # any of timm's, as timm:NAME
    },
)
