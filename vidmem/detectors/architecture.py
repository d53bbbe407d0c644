"""Every number of a detector, with its source. Three are named: MAMBA's with ResNet-50 and 101, and a small one.

"VFE" is the authors' release (guanxiongsun/vfe.pytorch), whose published checkpoint is of the instance level alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, Literal

from vidmem.errors import UnknownName, UsageError

Attention = Literal["none", "geo", "geo-raw", "selsa"]
PIXEL_MEAN, PIXEL_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # VFE: of ImageNet, 0..255, RGB


@dataclass(frozen=True)
class Architecture:
    """What decides the weights of a detector and how it is trained and asked. Defaults: MAMBA, ResNet-50."""

    name: str = "mamba-r50"
    classes: tuple[str, ...] = ()  # names, in the order of the labels 1, 2, …; 0 is the background

    # The picture
    short_side: int = 600  # VFE: pictures are scaled, not cut, to 1000 x 600 at most
    long_side: int = 1000
    divisible: int = 16  # VFE: padded at the right and below to multiples of this

    # Backbone and neck
    backbone: str = "resnet50-dc5"  # VFE: strides 1 2 2 1, dilation 2 in the last stage, so stride 16
    stride: int = 16
    frozen_stages: int = 1  # VFE: the stem and the first stage are not trained; batch norm never is
    neck: int = 512  # VFE: a 3 x 3 convolution from the backbone's channels

    # Region proposals
    anchor_sizes: tuple[int, ...] = (64, 128, 256, 512)  # VFE: scales 4 8 16 32 at stride 16
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    rpn_samples: int = 256
    rpn_positive: float = 0.5
    rpn_above: float = 0.7
    rpn_below: float = 0.3
    before_nms: int = 6000
    rpn_nms: float = 0.7
    proposals_train: int = 600
    proposals_test: int = 300

    # Regions
    pooled: int = 7  # RoIAlign, side
    sampling: int = 2
    width: int = 1024  # of the two shared layers
    layers: int = 2
    roi_samples: int = 256
    roi_positive: float = 0.25
    roi_iou: float = 0.5
    box_std: float = 0.2  # VFE: of all four box targets
    box_beta: float = 1.0  # VFE: where the smooth L1 loss turns straight
    score_above: float = 1e-4
    box_nms: float = 0.5
    most: int = 100  # detections of a frame

    # Memory
    attention: Attention = "geo"
    heads: int = 16  # MAMBA, section 3
    likeness: float = 0.0  # queries and keys begin as the rows times this, so that alike ones find each other (the idea
    # of Duckduckgod/MAMBA's alignment mode); 0 is PyTorch's own start
    alignment: bool = False  # only "geo-raw": its second mode, 0.7 X + 0.3 attention in tests
    align_keep: float = 0.7  # Duckduckgod/MAMBA, mem_bank/generalized_enhancement
    rows: int = 75  # MAMBA, section 4: proposals of a frame that are written, in order of objectness
    train_references: int = 2  # VFE: frames whose proposals are the keys in training
    pixel_level: bool = False  # MAMBA's pixel memory: one more enhancement of the map, before proposals are made
    pixel_keys: int = 2000  # MAMBA, section 4
    pixel_score: float = 0.3  # EOVOD, mpn.py: a detection below writes no pixels
    pixels_per_box: int = 100  # MAMBA, section 4: K
    pixels_per_frame: int = 1000  # EOVOD, mpn.py
    pixels_without_boxes: int = 50  # EOVOD, mpn.py: where nothing is detected, the cells of greatest norm

    def __post_init__(self) -> None:
        for name in ("anchor_sizes", "anchor_ratios", "classes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.attention not in ("none", "geo", "geo-raw", "selsa"):
            raise UsageError(f"attention = {self.attention!r} is not known. It is none, geo, geo-raw or selsa.")
        for what, width in (("width", self.width), ("neck", self.neck if self.pixel_level else self.heads)):
            if self.attention in ("geo", "geo-raw") and width % self.heads:
                raise UsageError(f"{what} = {width} does not divide into {self.heads} heads. Choose another number.")
        if self.alignment and self.attention != "geo-raw":
            raise UsageError('alignment belongs to attention = "geo-raw"; leave it out, or choose that one.')

    @property
    def outputs(self) -> int:
        """Classes and the background."""
        return len(self.classes) + 1

    def plain(self) -> dict[str, Any]:
        """As JSON or TOML hold it."""
        return asdict(self)


MAMBA_R50 = Architecture()
MAMBA_R101 = Architecture("mamba-r101", backbone="resnet101-dc5")
NANO = Architecture(
    "nano-detector",
    short_side=96,
    long_side=160,
    divisible=8,
    backbone="nano",
    stride=8,
    frozen_stages=0,
    neck=64,
    anchor_sizes=(16, 24, 34, 48),
    rpn_samples=48,
    before_nms=200,
    proposals_train=48,
    proposals_test=40,
    pooled=4,
    width=128,
    roi_samples=24,
    roi_positive=0.5,
    heads=2,  # of 64 channels, as the paper's
    likeness=0.2,  # rows are long here (about 95): PyTorch's start would attend to a few keys drawn at random
    rows=20,
    score_above=0.01,
    most=20,
    pixels_per_box=10,
    pixels_per_frame=60,
    pixels_without_boxes=10,
)
ARCHITECTURES: Mapping[str, Architecture] = {each.name: each for each in (MAMBA_R50, MAMBA_R101, NANO)}


def architecture(name: str, changes: Mapping[str, Any] | None = None) -> Architecture:
    """A named architecture with some numbers changed. Raises UnknownName or UsageError for a name it does not have."""
    if name not in ARCHITECTURES:
        near = get_close_matches(name, ARCHITECTURES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownName(f"No architecture of a detector is named {name!r}.{hint} Known: {', '.join(ARCHITECTURES)}.")
    known = [each.name for each in fields(Architecture)]
    for each in changes or {}:
        if each not in known:
            near = get_close_matches(each, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"A detector has no number {each!r}.{hint} Known: {', '.join(known)}.")
    return replace(ARCHITECTURES[name], **(changes or {}))
