"""Does a frame show something that could be taken for the object? DAM4SAM's test (arXiv 2411.17576), as functions.

A mask the model offered beside its answer betrays a distractor when its largest part outside the answer lies so far off
that the box around both is much larger than the box around the answer. That is believed only of a frame in which the
model is sure and the object keeps its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from vidmem.banks.components import Box, box_around, largest_part
from vidmem.values import Observation


class Measured(NamedTuple):
    """What an answer looks like on the host."""

    visible: bool  # whether it has a pixel on the model's own grid
    area: int  # pixels at the frame's size
    overlap: float  # of its box with the box that takes in a rival, the least of all rivals; 1.0 if none was looked at


def measure(seen: Observation, rivals: bool) -> Measured:
    """The answer of an observation, measured with one copy from the device. rivals: look at the other candidates."""
    guess, candidates = seen.guess, seen.candidates
    if not guess.visible:
        return Measured(False, 0, 1.0)
    others = [mask for number, mask in enumerate(candidates.masks) if number != seen.pick] if rivals else []
    logits = torch.stack([guess.mask, *others])[None].float()
    masks = F.interpolate(logits, seen.size, mode="bilinear", align_corners=False)[0] > 0
    visible = (guess.mask > 0).any()
    if not others:
        visible, area = torch.stack((visible, masks.sum())).tolist()
        return Measured(bool(visible), area, 1.0)
    flat = torch.cat((visible[None], masks.flatten())).cpu().numpy()
    answer, *rest = flat[1:].reshape(masks.shape)
    return Measured(bool(flat[0]), int(np.count_nonzero(answer)), least_overlap(answer, rest))


def least_overlap(answer: np.ndarray, rivals: Sequence[np.ndarray]) -> float:
    """How little the box of an answer may be of the box that takes in a rival's largest part too, 0..1.

    answer, rivals (H, W) bool. 1.0 where no rival goes beyond the answer, or nothing was answered.
    """
    box = box_around(answer)
    parts = [largest_part(rival & ~answer) for rival in rivals]
    return min([1.0] + [box_overlap(box, _around(box, part)) for part in parts if box and part])


def box_overlap(inner: Box, outer: Box) -> float:
    """Intersection over union of a box and one that holds it, 0..1.

    Both are measured between the centres of their outermost pixels, as the VOT toolkit (0.7.1) does for the reference;
    1.0 where the outer one is less than three pixels wide or high.
    """
    width, height = outer[2] - outer[0] - 1, outer[3] - outer[1] - 1
    if width < 2 or height < 2:
        return 1.0
    return (inner[2] - inner[0] - 1) * (inner[3] - inner[1] - 1) / (width * height)


def usual_areas(
    areas: tuple[tuple[int, int], ...], step: int, area: int, frames: int, reach: int
) -> tuple[tuple[int, int], ...]:
    """The areas, each with the step it was seen in, by which the frame `step` is judged; its own is the last of them.

    The last `frames` of those in the last `reach` steps, steps without a pixel left out.
    """
    known = (*areas, (step, area)) if area else areas
    return tuple(each for each in known if each[0] > step - reach)[-frames:]


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
