"""From a frame to the numbers a SAM 2 is fed: squashed to the input grid, then normalised as ImageNet is."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from vidmem.models.options import Resize

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def _statistics(device: torch.device) -> tuple[Tensor, Tensor]:
    """(3, 1, 1) each: mean and deviation of the pictures of ImageNet."""
    mean, deviation = (torch.tensor(each, dtype=torch.float32, device=device) for each in (MEAN, DEVIATION))
    return mean[:, None, None], deviation[:, None, None]


def normalise(pixels: Tensor) -> Tensor:
    """(..., 3, H, W) 0..255 -> the same, as SAM 2 expects it"""
    mean, deviation = _statistics(pixels.device)
    return (pixels.float() / 255 - mean) / deviation


def prepare(image: Tensor, size: tuple[int, int], resize: Resize, device: torch.device) -> Tensor:
    """What the image encoder is fed.     image (3, H, W) uint8   ->   (1, 3, *size) float32

    Proportions are not kept: SAM 2 was trained on squashed pictures. The kernels give visibly different masks, so one
    has to be chosen: "pil-bicubic" is how the reference reads a folder of JPEG, "bilinear-antialias" its image
    predictor, "bilinear" the video processor of transformers.
    """
    if resize == "pil-bicubic":
        if image.shape[1:] != size:
            pixels = np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())
            squashed = Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.BICUBIC)
            image = torch.from_numpy(np.array(squashed)).permute(2, 0, 1)
        return normalise(image.to(device))[None]
    if resize == "bilinear-antialias":
        return normalise(_bilinear(image.to(device).float(), size))
    # In whole numbers, and only the CPU has that kernel.
    return normalise(_bilinear(image.cpu(), size).to(device))


def _bilinear(image: Tensor, size: tuple[int, int]) -> Tensor:
    """(3, H, W) -> (1, 3, *size), of the same dtype"""
    return F.interpolate(image[None], size, mode="bilinear", antialias=True)
