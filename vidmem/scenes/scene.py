"""The values a scene is made of: things on their way over a ground, seen by a camera through a lens.

Axes:  T frames,  L looks of one thing,  h w the pixels of a look.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from vidmem.sprites import Bend

SIZE = (240, 320)  # (H, W) of every scene, in pixels


@dataclass(frozen=True, eq=False)
class Thing:
    """Something flat and textured on its way. It hides what stands before it in the scene's order."""

    looks: Tensor  # (L, 4, h, w) float: red, green, blue, coverage, all 0..1
    way: np.ndarray  # (T, 5) centre x, centre y, width, height in pixels of the scene, angle in radians
    bend: Bend = (0.0, 0.0, 0.0, 0.0)
    mixture: np.ndarray | None = None  # (T,) 0..L-1: which look it has; a fraction blends two neighbours
    object_id: int = 0  # 0: it is not to be tracked
    since: int = 0  # the frame from which on it counts as an object; it may be in sight before


@dataclass(frozen=True)
class Lens:
    """What is lost on the way from the scene to the picture."""

    blur: float = 0.0  # 0..1: how much of the mean of its four neighbours is mixed into a pixel
    noise: float = 0.0  # standard deviation, of 255
    quality: int = 75  # of JPEG


@dataclass(frozen=True, eq=False)
class Scene:
    """A whole video, not yet drawn."""

    frames: int
    seed: int  # of its noise
    ground: Tensor  # (3, h, w) 0..1
    bend: Bend  # how the ground ripples
    camera: np.ndarray  # (T, 3): how far the picture is shifted right and down, in pixels, and its zoom
    light: np.ndarray  # (T, 3): gain of red, green and blue
    things: tuple[Thing, ...]  # back to front
    lens: Lens

    @property
    def first_frames(self) -> dict[int, int]:
        """object id -> the frame from which on it is an object to be tracked."""
        return {thing.object_id: thing.since for thing in self.things if thing.object_id}
