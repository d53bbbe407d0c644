"""Video out of nothing: textured shapes that move, bend and hide each other.

Everything is drawn from one `numpy.random.Generator`, so a scene is a function of the seed it was made with.

Axes:  T frames,  O objects,  S the side of the square picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.sprites import Bend, bent, outline, place, texture


@dataclass(frozen=True, eq=False)
class Clip:
    """A short video with the true mask of every target in every frame."""

    images: Tensor  # (T, 3, S, S) uint8
    masks: Tensor  # (O, T, S, S) bool, the visible part only


@dataclass(frozen=True, eq=False)
class Layer:
    """Something flat that is laid over a scene: colours with coverage, and where each frame of it goes."""

    pixels: Tensor  # (T or 1, 4, h, w) float: red, green, blue, coverage, all 0..1
    places: Tensor  # (T, 2, 3) from the scene's coordinates (-1..1) to those of `pixels`
    target: bool  # whether it is an object to be tracked
    bend: Bend = (0.0, 0.0, 0.0, 0.0)


def path(chance: np.random.Generator, frames: int, size: float, still: float = 0.25, reach: float = 0.9) -> np.ndarray:
    """(frames, 5) centre x, centre y, width, height, angle of something `size` wide (2 is the whole picture)."""
    t = np.linspace(0, 1, frames)[:, None] if frames > 1 else np.zeros((1, 1))
    start, stop = chance.uniform(-reach, reach, (2, 2))
    pace = 0.0 if chance.random() < still else chance.uniform(0.1, 1.0) * min(1.0, frames / 6)
    sway = chance.normal(0, 0.12 * pace, 2) * np.sin(2 * np.pi * (chance.uniform(0.5, 1.5) * t + chance.random(2)))
    centre = start + (stop - start) * pace * t + sway
    aspect = np.exp(chance.normal(0, 0.25))
    growth = np.exp(chance.normal(0, 0.35 * min(1.0, frames / 6)) * t[:, 0])
    turn = chance.uniform(0, 2 * np.pi) + chance.normal(0, 0.6 * pace) * t[:, 0]
    jitter = chance.normal(0, 0.006, (frames, 2))
    return np.column_stack([centre + jitter, size * aspect**0.5 * growth, size / aspect**0.5 * growth, turn])


def lay(images: Tensor, layer: Layer) -> tuple[Tensor, Tensor]:
    """The scene with a layer over it, and where that layer now is.

    images (T, 3, S, S) 0..1   ->   (T, 3, S, S), (T, S, S) coverage
    """
    frames, _, size, _ = images.shape
    grid = F.affine_grid(layer.places, [frames, 1, size, size], align_corners=False)
    if layer.bend[0]:
        grid = bent(grid[..., 0], grid[..., 1], layer.bend, torch.arange(frames)[:, None, None])
    pixels = layer.pixels if len(layer.pixels) == frames else layer.pixels.expand(frames, -1, -1, -1)
    drawn = F.grid_sample(pixels, grid, align_corners=False)
    coverage = drawn[:, 3:]
    # Coverage fades to nothing at the rim, and so do the colours there: they are weighed by it only once.
    return images * (1 - coverage) + drawn[:, :3] * (coverage > 0) * coverage, coverage[:, 0]


def compose(images: Tensor, masks: list[Tensor], layers: list[Layer]) -> tuple[Tensor, list[Tensor]]:
    """Lay every layer over a scene, back to front; each hides a part of what was there before.

    images (T, 3, S, S) 0..1   masks: each (T, S, S) bool
    """
    for layer in layers:
        images, coverage = lay(images, layer)
        covered = coverage > 0.5
        masks = [mask & ~covered for mask in masks]
        if layer.target:
            masks = [*masks, covered]
    return images, masks


def shape(chance: np.random.Generator, frames: int, target: bool, like: Layer | None = None) -> Layer:
    """A procedural thing on its way; `like` lends its colours, so that the two are easily confused."""
    size = 96
    side = float(np.exp(chance.uniform(np.log(0.18), np.log(1.1))))
    colours = like.pixels[0, :3] if like is not None else texture(chance, size)
    pixels = torch.cat([colours, outline(chance, size)[None]])[None]
    bend = (0.0, 0.0, 0.0, 0.0)
    if chance.random() < 0.5:
        bend = ripple(chance)
    return Layer(pixels, place(path(chance, frames, side)), target, bend)


def ripple(chance: np.random.Generator) -> Bend:
    """A wave that travels through a thing."""
    amplitude, waves, phase, turn = chance.uniform([0.03, 1.0, 0.0, 0.1], [0.16, 4.0, 6.3, 0.8])
    return float(amplitude), float(waves), float(phase), float(turn)


def backdrop(chance: np.random.Generator, frames: int, size: int) -> Tensor:
    """(T, 3, S, S): a texture over which a camera moves."""
    pixels = torch.cat([texture(chance, size), torch.ones(1, size, size)])[None]
    way = path(chance, frames, 2.0 * float(chance.uniform(1.6, 3.0)), reach=0.3)
    way[:, 4] = (way[:, 4] - way[0, 4]) * 0.2 + (np.pi / 2) * chance.integers(4)
    places = place(way)
    grid = F.affine_grid(places, [frames, 1, size, size], align_corners=False)
    return F.grid_sample(pixels[:, :3].expand(frames, -1, -1, -1), grid, padding_mode="reflection", align_corners=False)


def scene(chance: np.random.Generator, frames: int, size: int) -> tuple[Tensor, list[Tensor]]:
    """A procedural video of one or two targets, perhaps a look-alike, perhaps something that passes in front.

    ->   (T, 3, S, S) 0..1, and for each target (T, S, S) bool
    """
    images = backdrop(chance, frames, size)
    layers = [shape(chance, frames, True) for _ in range(int(chance.integers(1, 3)))]
    if chance.random() < 0.35:
        layers.insert(int(chance.integers(len(layers) + 1)), shape(chance, frames, False, like=layers[0]))
    if chance.random() < 0.5:
        layers.append(shape(chance, frames, False))
    return compose(images, [], layers)
