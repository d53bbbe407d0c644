"""What may be chosen of a SAM 2 beside its weights. The defaults are those of the published tracking results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch

from vidmem import machine
from vidmem.errors import UsageError
from vidmem.kernels import packed
from vidmem.models.sizes import Architecture

Resize = Literal["pil-bicubic", "bilinear-antialias", "bilinear"]
Precision = Literal["auto", "exact", "fast"]


@dataclass(frozen=True)
class Options:
    """Every switch of the model. The reference's `apply_postprocessing=True` is three of them together:
    stability_fallback=True, binarize_prompts=True, fill_hole_area=8. Its published tracking numbers are without."""

    resize: Resize = "pil-bicubic"  # how SAM 2 reads folders of JPEG; the others: its image predictor, transformers
    stability_fallback: bool = False  # answer an unstable single mask by the best of the other three
    stability_delta: float = 0.05  # logits; a mask is stable if its outline hardly moves between -delta and +delta
    stability_threshold: float = 0.98  # of the ratio of the two areas
    binarize_prompts: bool = False  # remember a prompted mask as 0 and 1 instead of softly
    fill_hole_area: int = 0  # fill holes of at most so many pixels of the mask's own grid
    memory_dtype: torch.dtype = torch.bfloat16  # of stored pages
    ahead: int = (
        1  # frames of a recording that are encoded in one batch, ahead of being asked for; a stream waits for none
    )
    compile: bool = False  # the image encoder through torch.compile; the first frame then waits for the compiler

    def __post_init__(self) -> None:
        if self.resize not in get_args(Resize):
            raise UsageError(f"No resize is named {self.resize!r}. Known: {', '.join(get_args(Resize))}.")
        if self.ahead < 1:
            raise UsageError(f"ahead is {self.ahead}; give 1 for one frame at a time, or how many are encoded at once.")
        if self.fill_hole_area < 0:
            raise UsageError(f"fill_hole_area is {self.fill_hole_area}; give 0 for none, or a number of pixels.")


def precise(precision: str, sizes: Architecture, device: torch.device) -> torch.dtype:
    """The dtype of weights and features that a precision means.

    "exact" is float32. "fast" is bfloat16: masks change by a few pixels along their outlines. "auto" is fast where that
    makes a frame of this model faster: on a processor that multiplies bfloat16 quicker, for models whose matrices are
    large enough (not nano); on GPUs it stays exact. Raises UsageError for another word, or for fast on a processor that
    has no instructions for bfloat16.
    """
    if precision not in get_args(Precision):
        raise UsageError(f"No precision is named {precision!r}. Known: {', '.join(get_args(Precision))}.")
    quick = device.type == "cpu" and machine.quick_at_bfloat16() and packed.packable(torch.zeros(1, 1).bfloat16())
    if precision == "fast" and device.type == "cpu" and not quick:
        raise UsageError(
            f"precision fast does not pay on this processor ({machine.described()}): it has no instructions for "
            "bfloat16. Leave it out, or ask for a smaller image_size."
        )
    fast = precision == "fast" or (precision == "auto" and quick and sizes.fast_pays)
    return torch.bfloat16 if fast else torch.float32


def as_dtype(name: str | torch.dtype) -> torch.dtype:
    """A floating dtype, also by its name as a card or the command line writes it."""
    found = name if isinstance(name, torch.dtype) else getattr(torch, name, None)
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise UsageError(f"No floating dtype is named {name!r}. Known: float32, bfloat16, float16.")
    return found


def as_device(name: str | torch.device) -> torch.device:
    """A device that is there."""
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError, NotImplementedError) as reason:
        raise UsageError(f"The device {str(name)!r} cannot be used here ({str(reason).splitlines()[0]}).") from reason


def as_grid(image_size: int | tuple[int, int] | list[int]) -> tuple[int, int]:
    """(H, W) of an input grid, from one side or two."""
    sides = [image_size, image_size] if isinstance(image_size, int) else list(image_size)
    if len(sides) != 2 or min(sides) < 32 or any(side % 32 for side in sides):
        raise UsageError(
            f"The input grid {'x'.join(map(str, sides))} does not work: give one side or height and width, "
            "each a multiple of 32."
        )
    return sides[0], sides[1]
