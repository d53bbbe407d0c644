"""What the user gets of a frame: masks at the frame's size with a score for each object. Plain numpy, no torch.

Writers, exports and metrics speak this; `Track` is its form inside the loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from vidmem import rle

Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class ObjectAnnotation:
    """One object in one frame."""

    mask: np.ndarray  # (H, W) bool; may share pixels with other objects
    score: float  # 0..1, pred_iou x sigmoid(object_score_logit)
    visible: bool  # the model holds the object to be in the frame, and its mask has a pixel
    pred_iou: float = 1.0
    object_score_logit: float = 10.0
    prompted: bool = False
    exclusive: np.ndarray | None = None  # (H, W) bool: the pixels this object alone keeps; None when equal to mask

    @cached_property
    def area(self) -> int:
        """Pixels."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def box(self) -> Box | None:
        """x0 y0 x1 y1 in pixels, x1 and y1 one past the last; None when the mask is empty."""
        rows, columns = np.flatnonzero(self.mask.any(1)), np.flatnonzero(self.mask.any(0))
        if len(rows) == 0:
            return None
        return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)

    @cached_property
    def counts(self) -> str:
        """The mask in COCO run lengths; made once, however many writers ask."""
        return rle.encode(self.mask)


@dataclass(frozen=True, eq=False)
class Annotation:
    """Every object in one frame."""

    frame: int
    time: float  # seconds
    name: str  # what the frame's result files are called
    size: tuple[int, int]  # (H, W)
    objects: Mapping[int, ObjectAnnotation] = field(default_factory=dict)  # object id -> what is said of it

    def labels(self) -> np.ndarray:
        """(H, W) int32: each pixel's object id, 0 where there is none. The surest object has a shared pixel."""
        out = np.zeros(self.size, np.int32)
        for object_id, each in self.objects.items():
            out[each.mask if each.exclusive is None else each.exclusive] = object_id
        return out
