"""What may be chosen of a SAM 2 beside its weights. The defaults are those of the published tracking results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

Resize = Literal["pil-bicubic", "bilinear-antialias", "bilinear"]


@dataclass(frozen=True)
class Options:
    """Every switch of the model. The reference's `apply_postprocessing=True` is the three switches below together:
    stability_fallback=True, binarize_prompts=True, fill_hole_area=8. Its published tracking numbers are without."""

    resize: Resize = "pil-bicubic"  # how SAM 2 reads folders of JPEG; the others: its image predictor, transformers
    stability_fallback: bool = False  # answer an unstable single mask by the best of the other three
    stability_delta: float = 0.05  # logits; a mask is stable if its outline hardly moves between -delta and +delta
    stability_threshold: float = 0.98  # of the ratio of the two areas
    binarize_prompts: bool = False  # remember a prompted mask as 0 and 1 instead of softly
    fill_hole_area: int = 0  # fill holes of at most so many pixels of the mask's own grid
    memory_dtype: torch.dtype = torch.bfloat16  # of stored pages
