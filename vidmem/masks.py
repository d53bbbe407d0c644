"""Masks from image files: index PNGs of every usual kind, to prompt with or to read results back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from vidmem.errors import InputError
from vidmem.palette import davis_palette

SOFT = 32  # a grey picture with 255 and more levels than this is no index picture


def read_labels(path: str | Path) -> np.ndarray:
    """(H, W) int32: each pixel's object id, 0 where there is none. It may have no object.

    Palette and 16-bit PNGs: the index is the id. Grey: the value is the id, except that a picture of 0 and 255 alone
    shows one object, 1. Black and white: one object, 1. Coloured: the ids whose colours of the DAVIS palette these are.
    Raises InputError for a file that is missing, damaged, no mask, or lossily compressed.
    """
    return _read(Path(path), both_is_one=True)


def read_indices(path: str | Path) -> np.ndarray:
    """(H, W) int32: as `read_labels`, but each value as it is stored: in a picture of 0 and 255, 255 stays."""
    return _read(Path(path), both_is_one=False)


def _read(path: Path, both_is_one: bool) -> np.ndarray:
    try:
        with Image.open(path) as picture:
            picture.load()
    except FileNotFoundError as error:
        raise InputError(f"There is no mask {path}. Check the name after FRAME: in --mask.") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{path} is not an image. A mask is a PNG whose pixels are object ids.") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} cannot be read as an image ({error}). Save the mask again as PNG.") from error
    if picture.format in ("JPEG", "MPO"):
        raise InputError(f"{path} is a JPEG, which blurs ids into their neighbours. Save the mask as PNG.")
    if picture.mode == "1":
        return np.asarray(picture).astype(np.int32)
    if picture.mode in ("LA", "La", "PA"):
        picture = picture.getchannel(0)
    if picture.mode in ("P", "L", "I", "I;16", "I;16B", "I;16L"):
        return _ids(np.asarray(picture).astype(np.int32), path, both_is_one)
    if picture.mode in ("RGB", "RGBA", "RGBX"):
        return _from_colours(np.asarray(picture)[..., :3], path, both_is_one)
    raise InputError(f"{path} is of mode {picture.mode}. Save the mask as a palette, grey or RGB PNG.")


def _ids(values: np.ndarray, path: Path, both_is_one: bool) -> np.ndarray:
    levels = np.unique(values)
    if levels[0] < 0:
        raise InputError(f"{path} has the value {levels[0]}. Object ids begin at 1, 0 is the background.")
    if both_is_one and levels[-1] == 255 and not levels[:-1].any():
        return (values == 255).astype(np.int32)
    if levels[-1] == 255 and len(levels) > SOFT:
        raise InputError(
            f"{path} has {len(levels)} levels of grey, which looks like a soft mask. Make every pixel 0 or 255, "
            "or the id of its object."
        )
    return values


def _from_colours(colours: np.ndarray, path: Path, both_is_one: bool) -> np.ndarray:
    """(H, W, 3) uint8 -> ids. A colour may be off by one: DAVIS 2017 has 191 where the rule gives 192."""
    if (colours[..., 0] == colours[..., 1]).all() and (colours[..., 1] == colours[..., 2]).all():
        return _ids(colours[..., 0].astype(np.int32), path, both_is_one)
    packed = (colours.astype(np.int32) * (1 << 16, 1 << 8, 1)).sum(-1)
    present, where = np.unique(packed, return_inverse=True)
    if len(present) > 256:
        raise InputError(f"{path} has {len(present)} colours, so it is a picture, not a mask. A mask is an index PNG.")
    seen = np.stack([present >> 16, (present >> 8) & 255, present & 255], -1)
    apart = np.abs(seen[:, None] - davis_palette().astype(np.int32)[None]).max(-1)  # (colours, 256)
    nearest = apart.argmin(1)
    unknown = apart.min(1) > 1
    if unknown.any():
        red, green, blue = seen[unknown][0]
        y, x = np.argwhere(packed == present[unknown][0])[0]
        raise InputError(
            f"{path} has the colour {red},{green},{blue} at x {x}, y {y}, which is none of the DAVIS palette. "
            "Save the mask as an index PNG whose values are object ids."
        )
    return nearest[where].reshape(packed.shape).astype(np.int32)
