"""Flat things to draw with: a pattern in a palette, the outline it is cut to, where it stands and how it bends.

Everything is drawn from one `numpy.random.Generator`, so a thing is a function of the seed it was made with.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Bend = tuple[float, float, float, float]  # amplitude, waves, phase, turn per frame
OUTLINES = {"blob": 0.45, "polygon": 0.2, "limbs": 0.27, "ring": 0.08}


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


def outline(chance: np.random.Generator, size: int, kinds: Mapping[str, float] = OUTLINES) -> Tensor:
    """(size, size) coverage 0..1 of a random shape.

    kinds: how likely it is a blob, a polygon, a few joined limbs, a ring; the numbers add up to 1
    """
    axis = torch.linspace(-1, 1, size)
    x, y = axis[None].expand(size, size), axis[:, None].expand(size, size)
    kind = chance.choice(list(kinds), p=list(kinds.values()))
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


def place(way: np.ndarray) -> Tensor:
    """(T, 2, 3): for a path (T, 5), the map from a scene's coordinates to those of the thing on it, which are -1..1.

    way: centre x, centre y, width, height in any one unit of the scene, and the angle
    """
    x, y, width, height, angle = way.T
    c, s = np.cos(angle), np.sin(angle)
    out = np.empty((len(way), 2, 3), np.float32)
    out[:, 0] = np.column_stack([c, s, -(c * x + s * y)]) * (2 / width)[:, None]
    out[:, 1] = np.column_stack([-s, c, s * x - c * y]) * (2 / height)[:, None]
    return torch.from_numpy(out)


def bent(x: Tensor, y: Tensor, bend: Bend, frame: int | Tensor) -> Tensor:
    """(..., 2): where to look for each pixel once the thing is bent: a wave through it that travels with the frames.

    x, y: where the pixels are in the thing's coordinates (-1..1); they and `frame` broadcast against each other
    """
    amplitude, waves, phase, turn = bend
    beat = phase + turn * torch.as_tensor(frame)
    across = amplitude * torch.sin(waves * y + beat)
    down = amplitude * torch.sin(waves * x + 1.3 * beat + 1)
    return torch.stack([x + across, y + down], -1)
