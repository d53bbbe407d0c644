"""Questions as batches: prompts in the model's pixels, and who can be asked together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.errors import InputError
from vidmem.models.prompt_encoder import BOX_END, BOX_START
from vidmem.values import Features, Memory, Prompt

T = TypeVar("T")


def groups(items: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """The items that agree in `key`, in the order they first came."""
    found: dict[Hashable, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return list(found.values())


def is_empty(memory: Memory | None) -> bool:
    """Nothing to attend."""
    return memory is None or not (memory.pages or memory.pointers)


def points_of(prompt: Prompt | None, features: Features, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """(P, 2) points in pixels of the input `size` and (P,) labels; the corners of a box come first.

    Raises InputError for a point or box that is not in the frame.
    """
    points, labels = [], []
    if prompt is None:
        return torch.zeros(0, 2), torch.zeros(0, dtype=torch.long)
    height, width = features.size
    if prompt.box is not None:
        x0, y0, x1, y1 = (float(v) for v in prompt.box)
        if not (x0 < x1 and y0 < y1 and x1 > 0 and y1 > 0 and x0 < width and y0 < height):
            raise InputError(
                f"The box {x0:g},{y0:g},{x1:g},{y1:g} of object {prompt.object_id} in frame {features.frame} covers "
                f"nothing of the picture of {width}x{height} pixels. Give x0,y0,x1,y1 with x0 < x1 and y0 < y1."
            )
        points += [[x0, y0], [x1, y1]]
        labels += [BOX_START, BOX_END]
    if prompt.points is not None and prompt.labels is not None:
        for (x, y), label in zip(prompt.points.tolist(), prompt.labels.tolist(), strict=True):
            if not (0 <= x < width and 0 <= y < height):
                raise InputError(
                    f"The point {x:g},{y:g} of object {prompt.object_id} in frame {features.frame} is outside the "
                    f"picture of {width}x{height} pixels. Give 0 <= x < {width} and 0 <= y < {height}."
                )
            if label not in (0, 1):
                raise InputError(
                    f"The point {x:g},{y:g} of object {prompt.object_id} in frame {features.frame} has label {label}. "
                    "Give 1 for a point on the object and 0 for one off it."
                )
            points.append([x, y])
            labels.append(int(label))
    scale = torch.tensor([width, height], dtype=torch.float32)
    places = torch.tensor(points, dtype=torch.float32).reshape(-1, 2) / scale
    return places * torch.tensor([size[1], size[0]], dtype=torch.float32), torch.tensor(labels, dtype=torch.long)


def mask_of(prompt: Prompt, features: Features, size: tuple[int, int]) -> Tensor:
    """(1, h, w) the prompt's mask at the input `size`, 0 or 1. Raises InputError for another size or an empty mask."""
    mask = prompt.mask
    if mask is None or tuple(mask.shape) != features.size:
        shape = "nothing" if mask is None else "x".join(str(side) for side in reversed(mask.shape))
        raise InputError(
            f"The mask of object {prompt.object_id} in frame {features.frame} is {shape} pixels, the picture "
            f"{features.size[1]}x{features.size[0]}. Give a mask of the picture's size."
        )
    if not bool(mask.any()):
        raise InputError(
            f"The mask of object {prompt.object_id} in frame {features.frame} is empty ({features.size[1]}x"
            f"{features.size[0]} pixels, none set). Mark at least one pixel, or leave the object out."
        )
    whole = mask[None, None].float()
    if features.size != size:
        whole = F.interpolate(whole, size, mode="bilinear", antialias=True, align_corners=False)
    return (whole[0] >= 0.5).float()
