"""What scenes of all kinds share: a ground, things that stand out from it, and how it all is filmed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vidmem.scenes.scene import SIZE, Lens, Scene, Thing
from vidmem.scenes.ways import Place, swing, wander
from vidmem.sprites import Bend, outline, texture

LOOK = 96  # pixels of a thing's look; things are drawn at about that size
SHAPES = {"blob": 0.6, "polygon": 0.25, "limbs": 0.15}
APART = 0.55  # how far two mean colours must lie from each other to be told apart with ease; black to white is 1.73
SHAKE = 10.0  # how far the camera may shift the picture, in pixels
MARGIN = 14.0  # what is so far out of the frame is out of sight, however the camera shifts and zooms


def ground(chance: np.random.Generator) -> Tensor:
    """(3, h, w): one pattern shining through another, of softened contrast and colour."""
    pixels = torch.lerp(texture(chance, 4 * LOOK), texture(chance, 4 * LOOK), float(chance.uniform(0.25, 0.5)))
    pixels = torch.lerp(pixels, pixels.mean(0, keepdim=True), float(chance.uniform(0.2, 0.7)))
    return softened(pixels, float(chance.uniform(0.0, 0.3)))


def softened(pixels: Tensor, share: float) -> Tensor:
    """A pattern (3, h, w) with a share of its contrast taken away."""
    return torch.lerp(pixels, pixels.mean((1, 2), keepdim=True), share)


def colours(chance: np.random.Generator, apart_from: Sequence[Tensor], size: int = LOOK) -> Tensor:
    """(3, size, size): a soft texture whose mean colour is far from that of others (3, ., .), or the furthest tried."""
    means = torch.stack([each.mean((1, 2)) for each in apart_from])
    best, furthest = None, -1.0
    for _ in range(30):
        pixels = softened(texture(chance, size), float(chance.uniform(0.3, 0.6)))
        distance = float((means - pixels.mean((1, 2))).norm(dim=1).min())
        if distance > furthest:
            best, furthest = pixels, distance
        if furthest > APART:
            break
    assert best is not None
    return best


def body(chance: np.random.Generator, *patterns: Tensor) -> Tensor:
    """(L, 4, h, w): patterns (3, h, w), each lit from the upper left and cut to the same outline."""
    axis = torch.linspace(-1, 1, LOOK)
    shade = 1 - 0.16 * (axis[None] + axis[:, None])
    cover = outline(chance, LOOK, SHAPES)[None]
    return torch.stack([torch.cat([(pattern * shade).clamp(0, 1), cover]) for pattern in patterns])


def board(pattern: Tensor) -> Tensor:
    """(1, 4, h, w): a pattern (3, h, w) on something with straight edges, to hide behind."""
    return torch.cat([pattern, torch.ones_like(pattern[:1])])[None]


def soft(chance: np.random.Generator) -> Bend:
    """How a living thing bends."""
    low, high = (0.03, 1.5, 0.0, 0.05), (0.09, 3.0, 6.3, 0.14)
    amplitude, waves, phase, turn = (float(each) for each in chance.uniform(low, high))
    return amplitude, waves, phase, turn


def carried(
    chance: np.random.Generator, way: np.ndarray, size: float | np.ndarray, sway: float = 0.35, turn: float = 0.0
) -> np.ndarray:
    """(T, 5) a way (T, 2) as that of a thing `size` pixels wide, which sways, and turns by `turn` a frame (radians)."""
    frames = len(way)
    stretch = float(np.exp(chance.normal(0, 0.1)))
    angle = chance.uniform(0, 2 * np.pi) + sway * np.sin(np.arange(frames) * chance.uniform(0.03, 0.06))
    angle = angle + turn * np.arange(frames)
    sizes = np.broadcast_to(np.asarray(size, float), (frames,))
    return np.column_stack([way, sizes * stretch**0.5, sizes / stretch**0.5, angle])


def standing(frames: int, place: Place, width: float, height: float) -> np.ndarray:
    """(T, 5) the way of something that does not move."""
    return np.tile([*place, width, height, 0.0], (frames, 1))


def film(
    chance: np.random.Generator,
    frames: int,
    on: Tensor,
    things: Sequence[Thing],
    light: np.ndarray | None = None,
) -> Scene:
    """The scene of things (back to front) on a ground, filmed by hand; the light (T, 3) hardly changes by itself."""
    shift = wander(chance, frames, (0.0, 0.0), (SHAKE, SHAKE * 0.6), 0.35)
    zoom = 1 + 0.03 * np.sin(np.arange(frames) * chance.uniform(0.01, 0.03) + chance.uniform(0, 6.3))
    if light is None:
        light = np.repeat(0.95 + 0.1 * swing(frames, chance.uniform(150, 300), chance.random())[:, None], 3, axis=1)
    ripple = (float(chance.uniform(0.004, 0.012)), float(chance.uniform(8, 14)), 0.0, float(chance.uniform(0.05, 0.15)))
    lens = Lens(float(chance.uniform(0.2, 0.8)), float(chance.uniform(2, 5)), int(chance.integers(55, 86)))
    seed = int(chance.integers(1 << 31))
    return Scene(frames, seed, on, ripple, np.column_stack([shift, zoom]), light, tuple(things), lens)


def somewhere(chance: np.random.Generator, size: float) -> Place:
    """A place where something of that size is wholly in sight, however the camera shifts."""
    border = 0.55 * size + MARGIN
    x, y = chance.uniform((border, border), (SIZE[1] - border, SIZE[0] - border))
    return float(x), float(y)


def outside(chance: np.random.Generator, size: float, edges: str = "left right top bottom") -> Place:
    """A place just out of the frame, where nothing of that size is in sight."""
    away = 0.75 * size + MARGIN
    x, y = float(chance.uniform(0.2, 0.8)) * SIZE[1], float(chance.uniform(0.2, 0.8)) * SIZE[0]
    match chance.choice(edges.split()):
        case "left":
            return -away, y
        case "right":
            return SIZE[1] + away, y
        case "top":
            return x, -away
        case _:
            return x, SIZE[0] + away
