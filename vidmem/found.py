"""What a detector found in a frame: boxes in the frame's own pixels. Plain numpy, no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Found:
    """D detections of one frame, the surest first."""

    frame: int
    time: float  # seconds
    name: str
    size: tuple[int, int]  # (H, W)
    boxes: np.ndarray  # (D, 4) x0 y0 x1 y1 in pixels, x1 and y1 one past the last
    scores: np.ndarray  # (D,) 0..1
    labels: np.ndarray  # (D,) 1 .. number of classes
    ids: np.ndarray | None = None  # (D,) 1 and up: of the same object in other frames; None where they were not linked

    def __len__(self) -> int:
        return len(self.boxes)

    def kept(self, keep: np.ndarray) -> Found:
        """Those of a mask or of places (K,)."""
        ids = None if self.ids is None else self.ids[keep]
        return replace(self, boxes=self.boxes[keep], scores=self.scores[keep], labels=self.labels[keep], ids=ids)

    def above(self, score: float) -> Found:
        """Those at least so sure."""
        return self.kept(self.scores >= score)
