"""One picture as the (3, H, W) uint8 RGB tensor that a Frame holds, from whatever it comes as."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from vidmem.errors import InputError

SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pnm", ".tga", ".jp2", ".avif"),
}


def from_pixels(pixels: np.ndarray, turns: int = 0) -> Tensor:
    """pixels (H, W, 3) uint8, turned counter-clockwise by `turns` quarters -> (3, H, W), sharing memory if it can."""
    if turns % 4:
        pixels = np.rot90(pixels, turns)
    if not (pixels.flags.c_contiguous and pixels.flags.writeable):
        pixels = pixels.copy()
    return torch.from_numpy(pixels).permute(2, 0, 1)


def from_file(path: str | Path) -> Tensor:
    """An image file, upright by its EXIF orientation. Raises what Pillow raises: OSError and its like."""
    with Image.open(path) as image:
        image.load()
        return from_pil(ImageOps.exif_transpose(image))


def from_pil(image: Image.Image) -> Tensor:
    """A PIL image of any mode; alpha is dropped, 16-bit grey keeps its upper byte."""
    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.int64)
        grey = (deep >> 8 if deep.max(initial=0) > 255 else deep).clip(0, 255).astype(np.uint8)
        return from_pixels(np.repeat(grey[..., None], 3, 2))
    return from_pixels(np.array(image if image.mode == "RGB" else image.convert("RGB")))


def from_anything(item: Any, what: str) -> Tensor:
    """An array or tensor (H, W, 3) or (3, H, W) uint8, a PIL image or the path of an image file -> (3, H, W).

    `what` names it in the InputError that anything else raises.
    """
    if isinstance(item, (str, os.PathLike)):
        try:
            return from_file(Path(item))
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(f"{what}: {item} cannot be read as an image ({error}).") from error
    if isinstance(item, Image.Image):
        return from_pil(ImageOps.exif_transpose(item))
    if isinstance(item, np.ndarray):
        if item.dtype == np.uint8 and item.ndim == 3:
            item = torch.from_numpy(item if item.flags.writeable and min(item.strides) >= 0 else item.copy())
        else:
            raise InputError(f"{what} is {item.shape} {item.dtype}. {WANTED}")
    if isinstance(item, Tensor):
        if item.dtype == torch.uint8 and item.ndim == 3 and item.shape[-1] == 3:
            return item.permute(2, 0, 1)
        if item.dtype == torch.uint8 and item.ndim == 3 and item.shape[0] == 3:
            return item
        raise InputError(f"{what} is {tuple(item.shape)} {item.dtype}. {WANTED}")
    raise InputError(f"{what} is a {type(item).__name__}, which is no picture. {WANTED}")


WANTED = (
    "A picture is (H, W, 3) or (3, H, W) uint8 RGB, a PIL image or a Frame: multiply values 0..1 by 255 and convert to "
    "uint8; stack a grey picture three times."
)
