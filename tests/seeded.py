"""A tiny SAM 2 whose weights follow from a number, whatever order its parts are made in, and a clip for it."""

from __future__ import annotations

import torch
from sam2_official import SMALL

from vidmem.models.options import Options
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import Architecture
from vidmem.values import Frame

OBJECT_SCORE = "sam_mask_decoder.pred_obj_score_head.layers.2"
PRED_IOU = "sam_mask_decoder.iou_prediction_head.layers.2"


def seeded(
    seed: int,
    sizes: Architecture = SMALL,
    *,
    gain: float = 1.5,
    score: tuple[float, float] = (3.0, 1.0),
    iou: tuple[float, float] = (4.0, 0.0),
) -> Sam2:
    """Lively random weights.     score, iou: a factor and a shift of the logits of object score and predicted IoU"""
    model = Sam2(sizes, Options(memory_dtype=torch.float32))
    weights = {}
    for number, (name, old) in enumerate(sorted(model.state_dict().items())):
        chance = torch.Generator().manual_seed(1000 * seed + number)
        noise = torch.randn(old.shape, generator=chance)
        if old.ndim < 2 or (min(old.shape[:2]) == 1 and "conv" not in name.lower()):  # biases, norms, single vectors
            weights[name] = 0.3 * noise + (1.0 if name.endswith("weight") and old.ndim == 1 else 0.0)
        else:
            weights[name] = noise * gain / (old[0].numel() ** 0.5)
    for name, (factor, shift) in ((OBJECT_SCORE, score), (PRED_IOU, iou)):
        weights[f"{name}.weight"] *= factor
        weights[f"{name}.bias"] = weights[f"{name}.bias"] * factor + shift
    model.load_state_dict(weights)
    return model.eval().requires_grad_(False)


def doubtful() -> Sam2:
    """Weights that waver over `restless`: sure, unsure, absent, rated high and low, in every mixture."""
    return seeded(1, score=(6.34, 13.8), iou=(1.2, -0.3))


def restless(frames: int, side: int = 128) -> list[Frame]:
    """Discs on their way over a ground that changes with every frame, in whole numbers, so the same everywhere."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    clip = []
    for t in range(frames):
        image = torch.stack((rows * 2 + t * 3, columns * 2 + t * 5, rows * columns // (8 + t % 7))) % 256
        for number, (y, x) in enumerate(((20 + 3 * t % 80, 30), (60, 20 + 5 * t % 90), (100 - 2 * t % 70, 96))):
            disc = (rows - y) ** 2 + (columns - x) ** 2 < 200 + 40 * number
            image[:, disc] = 40
            image[number, disc] = ((rows * 5 + columns * 3 + t * 7) % 200 + 50)[disc]
        clip.append(Frame(t, (255 - image if t % 19 in (11, 12) else image).to(torch.uint8)))
    return clip


def first_disc(side: int = 128) -> torch.Tensor:
    """(side, side) bool: about where the first disc is in frame 0."""
    mask = torch.zeros(side, side, dtype=torch.bool)
    mask[10:32, 20:42] = True
    return mask
