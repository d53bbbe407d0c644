"""Video out of nothing: noise, stripes, dead leaves and gradients, cut into shapes that move, bend and hide each other.

Everything is drawn from one `numpy.random.Generator`, so a scene is a function of the seed it was made with.

Axes:  T frames,  O objects,  S the side of the square picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


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
    bend: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)  # amplitude, waves, phase, turn per frame


def texture(chance: np.random.Generator, size: int) -> Tensor:
    """(3, size, size) 0..1: one of several kinds of pattern in a random palette of two to four colours."""
    kind = chance.choice(["clouds", "stripes", "checks", "leaves", "gradient"], p=[0.35, 0.15, 0.1, 0.3, 0.1])
    if kind == "leaves":
        return _leaves(chance, size)
    if kind == "clouds":
        field = _clouds(chance, size, roughness=chance.uniform(0.35, 0.8))
    else:
        axis = torch.linspace(-1, 1, size)
        angle = chance.uniform(0, np.pi)
        along = axis[None] * np.cos(angle) + axis[:, None] * np.sin(angle)
        across = -axis[None] * np.sin(angle) + axis[:, None] * np.cos(angle)
        along = along + float(chance.uniform(0, 0.3)) * _clouds(chance, size, 0.4)
        waves = float(chance.uniform(2, 14))
        if kind == "stripes":
            field = torch.sin(waves * np.pi * along)
        elif kind == "checks":
            field = torch.sin(waves * np.pi * along) * torch.sin(waves * np.pi * across)
        else:
            field = along
        field = field * float(chance.uniform(0.7, 6))
        field = field.tanh() * 0.5 + 0.5
    picture = _paint(chance, field.clamp(0, 1))
    grain = float(chance.uniform(0, 0.12))
    return (picture + grain * (_clouds(chance, size, 0.95) - 0.5)).clamp(0, 1)


def _clouds(chance: np.random.Generator, size: int, roughness: float) -> Tensor:
    """(size, size) about 0..1: octaves of smooth noise, each `roughness` times as strong as the coarser one."""
    total, weight, cells = torch.zeros(size, size), 1.0, int(chance.integers(2, 5))
    while cells < size // 2:
        coarse = torch.from_numpy(chance.random((1, 1, cells + 1, cells + 1), dtype=np.float32))
        total += weight * F.interpolate(coarse, (size, size), mode="bilinear", align_corners=True)[0, 0]
        weight, cells = weight * roughness, cells * 2
    total = total - total.mean()
    return (total / (4 * total.std() + 1e-6) + 0.5).clamp(0, 1)


def _paint(chance: np.random.Generator, field: Tensor) -> Tensor:
    """(3, size, size): a scalar field 0..1 seen through a palette."""
    colours = torch.from_numpy(_palette(chance, int(chance.integers(2, 5))))
    position = field * (len(colours) - 1)
    lower = position.floor().clamp(max=len(colours) - 2).long()
    share = (position - lower)[..., None]
    return (colours[lower] * (1 - share) + colours[lower + 1] * share).permute(2, 0, 1)


def _palette(chance: np.random.Generator, count: int) -> np.ndarray:
    """(count, 3) colours that belong together: one hue family, sometimes with a stranger in it."""
    base = chance.random(3, dtype=np.float32)
    spread = np.float32(chance.choice([0.12, 0.3, 0.6]))
    return np.clip(base + spread * chance.standard_normal((count, 3)).astype(np.float32), 0, 1)


def _leaves(chance: np.random.Generator, size: int) -> Tensor:
    """(3, size, size): discs and boxes of all sizes fallen over each other, as the edges of nature are distributed."""
    canvas = np.empty((size, size, 3), np.float32)
    canvas[:] = chance.random(3, dtype=np.float32)
    colours = _palette(chance, int(chance.integers(3, 9)))
    grid = np.arange(size, dtype=np.float32)
    for _ in range(int(chance.integers(30, 110))):
        radius = size * 0.03 / max(chance.random(), 0.08)
        x, y = chance.random(2) * size
        top, bottom = max(0, int(y - radius)), min(size, int(y + radius) + 1)
        left, right = max(0, int(x - radius)), min(size, int(x + radius) + 1)
        colour = np.clip(colours[chance.integers(len(colours))] + 0.06 * chance.standard_normal(3), 0, 1)
        part = canvas[top:bottom, left:right]
        if chance.random() < 0.65:
            inside = (grid[left:right][None] - x) ** 2 + (grid[top:bottom][:, None] - y) ** 2 < radius**2
            part[inside] = colour
        else:
            part[:] = colour
    return torch.from_numpy(canvas).permute(2, 0, 1)


def outline(chance: np.random.Generator, size: int) -> Tensor:
    """(size, size) coverage 0..1 of a random shape: a blob, a polygon, a few joined limbs, or a ring."""
    axis = torch.linspace(-1, 1, size)
    x, y = axis[None].expand(size, size), axis[:, None].expand(size, size)
    kind = chance.choice(["blob", "polygon", "limbs", "ring"], p=[0.45, 0.2, 0.27, 0.08])
    if kind == "limbs":
        inside = torch.full((size, size), -1.0)
        ends = chance.uniform(-0.7, 0.7, (int(chance.integers(3, 7)), 2))
        ends[0] = 0
        for number in range(1, len(ends)):
            (ax, ay), (bx, by) = ends[chance.integers(number)], ends[number]
            dx, dy = bx - ax, by - ay
            share = (((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy + 1e-6)).clamp(0, 1)
            gap = ((x - ax - share * dx) ** 2 + (y - ay - share * dy) ** 2).sqrt()
            inside = torch.maximum(inside, float(chance.uniform(0.1, 0.3)) - gap)
    else:
        radius, angle = (x * x + y * y).sqrt(), torch.atan2(y, x)
        if kind == "polygon":
            corners = int(chance.integers(3, 8))
            turn = float(chance.uniform(0, 2 * np.pi))
            sector = (angle + turn) % (2 * np.pi / corners) - np.pi / corners
            edge = 0.85 * np.cos(np.pi / corners) / sector.cos()
        else:
            edge = torch.full_like(radius, 0.7)
            for wave in range(1, 7):
                strength = float(chance.normal(0, 0.16 / wave**0.6))
                edge = edge + strength * torch.cos(wave * angle + float(chance.uniform(0, 2 * np.pi)))
        inside = edge.clamp(0.15, 0.95) - radius
        if kind == "ring":
            inside = torch.minimum(inside, radius - float(chance.uniform(0.2, 0.45)))
    return (inside * size / 2 + 0.5).clamp(0, 1)


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


def place(way: np.ndarray) -> Tensor:
    """(T, 2, 3): for a path (T, 5), the map from scene coordinates to those of the thing that moves along it."""
    x, y, width, height, angle = way.T
    c, s = np.cos(angle), np.sin(angle)
    out = np.empty((len(way), 2, 3), np.float32)
    out[:, 0] = np.column_stack([c, s, -(c * x + s * y)]) * (2 / width)[:, None]
    out[:, 1] = np.column_stack([-s, c, s * x - c * y]) * (2 / height)[:, None]
    return torch.from_numpy(out)


def lay(images: Tensor, layer: Layer) -> tuple[Tensor, Tensor]:
    """The scene with a layer over it, and where that layer now is.

    images (T, 3, S, S) 0..1   ->   (T, 3, S, S), (T, S, S) coverage
    """
    frames, _, size, _ = images.shape
    grid = F.affine_grid(layer.places, [frames, 1, size, size], align_corners=False)
    amplitude, waves, phase, turn = layer.bend
    if amplitude:
        beat = phase + turn * torch.arange(frames)[:, None, None]
        grid = torch.stack(
            [
                grid[..., 0] + amplitude * torch.sin(waves * grid[..., 1] + beat),
                grid[..., 1] + amplitude * torch.sin(waves * grid[..., 0] + 1.3 * beat + 1),
            ],
            -1,
        )
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
        bend = tuple(float(v) for v in chance.uniform([0.03, 1.0, 0.0, 0.1], [0.16, 4.0, 6.3, 0.8]))
    return Layer(pixels, place(path(chance, frames, side)), target, bend)  # type: ignore[arg-type]


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
