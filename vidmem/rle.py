"""COCO run lengths: a mask as a short string. Runs go down the columns, and pycocotools reads them."""

from __future__ import annotations

from typing import Any

import numpy as np


def encode(mask: np.ndarray) -> str:
    """The counts of a (H, W) bool mask."""
    from pycocotools import mask as coco

    runs: Any = coco.encode(np.asfortranarray(mask, np.uint8))
    return runs["counts"].decode("ascii")


def decode(counts: str | list[int], size: tuple[int, int]) -> np.ndarray:
    """(H, W) bool. `counts` as COCO writes them: a string, or a list of run lengths. ValueError if they do not fit."""
    from pycocotools import mask as coco

    height, width = size
    runs: Any = {"size": [height, width], "counts": counts}
    if isinstance(counts, list):
        runs = coco.frPyObjects(runs, height, width)
    mask = coco.decode(runs)
    if mask.shape != (height, width):
        raise ValueError(f"The run lengths make a mask of {mask.shape}, not {size}.")
    return mask.astype(bool)
