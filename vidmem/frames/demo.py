"""Clips drawn on the spot, for whoever has no video at hand: `demo:koi`.

Each frame is a pure function of its index, so the clip can be read from anywhere, in any order, for ever; the true
mask of every fish is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import count

import numpy as np
import torch

from vidmem.errors import UnknownName
from vidmem.values import Frame

RATE = 25.0
LENGTHS = {"koi": 120}
BOXES = {"koi": (78.0, 88.0, 141.0, 239.0)}  # what `vidmem track demo:koi` follows when nothing is said


@dataclass(frozen=True)
class Fish:
    """A fish on its way: where, how fast, how it looks."""

    centre: tuple[float, float]  # pixels
    radius: tuple[float, float]  # of its round, pixels
    speed: float  # rounds a frame
    phase: float  # 0..1
    length: float  # pixels
    colours: tuple[tuple[int, int, int], tuple[int, int, int]]  # body, patches
    seed: int

    def pose(self, index: int) -> tuple[float, float, float]:
        """x, y, heading (radians) at a frame."""
        angle = 2 * np.pi * (self.phase + self.speed * index)
        x = self.centre[0] + self.radius[0] * np.sin(angle)
        y = self.centre[1] + self.radius[1] * np.sin(2 * angle)
        heading = np.arctan2(2 * self.radius[1] * np.cos(2 * angle), self.radius[0] * np.cos(angle))
        return float(x), float(y), float(heading)


KOI = Fish((320, 185), (215, 80), 1 / 180, -0.25 + 0.03, 165, ((235, 105, 40), (250, 240, 225)), 3)
SHADOW = Fish((330, 200), (190, -95), 1 / 230, 0.35, 135, ((92, 104, 112), (60, 70, 80)), 5)
PADS = ((250, 120, 46, 0.4), (455, 250, 58, 2.2), (560, 90, 40, 4.0), (110, 300, 50, 5.3))  # x, y, radius, notch


def box_of(source: str) -> str:
    """The box a drawn clip is followed by when nothing is said, as `--box` takes it."""
    name = source.partition(":")[2]
    if name not in BOXES:
        raise UnknownName(f"There is no demo clip {source!r}. Known: {', '.join(f'demo:{each}' for each in LENGTHS)}.")
    return "0:" + ",".join(f"{each:g}" for each in BOXES[name])


class DemoClip:
    """A drawn clip as a source. length=None never ends."""

    seekable = True
    skipped = 0
    rate = RATE
    size = (360, 640)

    def __init__(self, name: str = "koi", length: int | None = -1):
        if name not in LENGTHS:
            raise UnknownName(
                f"There is no demo clip {name!r}. Known: {', '.join(f'demo:{each}' for each in LENGTHS)}."
            )
        self.name = f"demo:{name}"
        self.promised = LENGTHS[name] if length == -1 else length

    def __iter__(self) -> Iterator[Frame]:
        return self.between()

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        end = self.promised
        if step > 0:
            last = end if stop is None else stop if end is None else min(stop, end)
            indices = count(start, step) if last is None else range(start, last, step)
        else:
            indices = range(start if end is None else min(start, end - 1), -1 if stop is None else stop, step)
        for index in indices:
            yield Frame(index, torch.from_numpy(draw(index)[0]).permute(2, 0, 1), index / RATE)

    def truth(self, index: int) -> np.ndarray:
        """(360, 640) bool: the visible part of the koi."""
        return draw(index)[1]

    def close(self) -> None:
        pass


def draw(index: int) -> tuple[np.ndarray, np.ndarray]:
    """(360, 640, 3) uint8 picture of a frame and the (360, 640) bool visible part of the koi."""
    pond = _Pond.shared()
    picture = pond.water(index)
    _paint(picture, SHADOW, index)
    koi = _paint(picture, KOI, index)
    cover = pond.pads(picture, index)
    return picture.clip(0, 255).astype(np.uint8), koi & ~cover


class _Pond:
    """Everything of the scene that is worth drawing once."""

    @staticmethod
    @lru_cache(maxsize=1)
    def shared() -> _Pond:
        return _Pond()

    @cached_property
    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        y, x = np.mgrid[0:360, 0:640].astype(np.float32)
        return y, x

    @cached_property
    def bed(self) -> np.ndarray:
        noise = _noise(420, 720, 11)
        stones = _noise(420, 720, 12, scales=(8, 16)) > 0.58
        shade = 60 + 70 * noise + 25 * stones
        return np.stack([shade * 0.45, shade * 0.85, shade * 0.8], -1)

    def water(self, index: int) -> np.ndarray:
        """The bed seen through moving water, under a slow camera."""
        y, x = self.rows
        left, top = 30 + 25 * np.sin(index / 70), 25 + 20 * np.cos(index / 90)
        waver = 2.0 * np.sin(y / 23 + index / 7)
        columns = (x + left + waver).astype(np.int32).clip(0, 719)
        lines = (y + top + 1.5 * np.sin(x / 31 + index / 9)).astype(np.int32).clip(0, 419)
        light = 6 * np.sin(x / 40 + y / 55 + index / 11)
        return self.bed[lines, columns] + light[..., None]

    def pads(self, picture: np.ndarray, index: int) -> np.ndarray:
        """Paints the lily pads over everything; returns where they are."""
        y, x = self.rows
        cover = np.zeros((360, 640), bool)
        for px, py, radius, notch in PADS:
            cx, cy = px + 6 * np.sin(index / 40 + notch), py + 4 * np.cos(index / 33 + notch)
            near = _around(cx, cy, radius)
            dx, dy = x[near] - cx, y[near] - cy
            distance = np.hypot(dx, dy)
            angle = np.arctan2(dy, dx)
            off = np.abs((angle - notch - 0.05 * np.sin(index / 25) + np.pi) % (2 * np.pi) - np.pi)
            inside = (distance < radius) & (off > 0.22)
            veins = 10 * np.cos(9 * (angle - notch)) * (distance / radius)
            shade = 1 - 0.35 * (distance[inside] / radius) ** 4
            picture[near][inside] = (np.array([58.0, 128.0, 52.0]) + veins[inside, None]) * shade[:, None]
            cover[near] |= inside
        return cover


def _paint(picture: np.ndarray, fish: Fish, index: int) -> np.ndarray:
    """Paints a fish; returns where it is, (360, 640) bool."""
    y, x = _Pond.shared().rows
    cx, cy, heading = fish.pose(index)
    half = fish.length / 2
    near = _around(cx, cy, half * 1.3)
    dx, dy = x[near] - cx, y[near] - cy
    along = (np.cos(heading) * dx + np.sin(heading) * dy) / half  # -1 tail .. 1 nose
    across = (-np.sin(heading) * dx + np.cos(heading) * dy) / half
    across = across + 0.10 * np.sin(3.0 * along - index / 2.2) * (1 - along).clip(0, 2)  # it swims
    body = (np.abs(along) < 0.8) & (np.abs(across) < 0.27 * np.sqrt((1 - ((along - 0.15) / 0.95) ** 2).clip(0, 1)))
    tail = (along < -0.62) & (along > -1.0) & (np.abs(across) < 0.28 * (-0.55 - along))
    fins = (np.abs(along - 0.25) < 0.16) & (np.abs(across) < 0.40 - 0.6 * np.abs(along - 0.12)) & (np.abs(across) > 0.2)
    inside = body | tail | fins
    patches = _noise(64, 64, fish.seed, scales=(4, 8))
    u = ((along[inside] + 1) * 31.5).astype(int).clip(0, 63)
    v = ((across[inside] + 0.5) * 63).astype(int).clip(0, 63)
    patch = patches[v, u] > 0.55
    colour = np.where(patch[:, None], np.array(fish.colours[1], float), np.array(fish.colours[0], float))
    shade = 1.08 - 1.1 * across[inside] ** 2 * 4
    below = np.roll(inside, (9, 6), (0, 1)) & ~inside
    picture[near][below] *= 0.72
    picture[near][inside] = colour * shade.clip(0.55, 1.1)[:, None]
    whole = np.zeros((360, 640), bool)
    whole[near] = inside
    return whole


def _around(x: float, y: float, reach: float) -> tuple[slice, slice]:
    """The rows and columns of the picture within `reach` of a point."""
    rows = slice(max(0, int(y - reach) - 12), max(0, int(y + reach) + 14))
    return rows, slice(max(0, int(x - reach) - 12), max(0, int(x + reach) + 14))


@lru_cache(maxsize=8)
def _noise(height: int, width: int, seed: int, scales: tuple[int, ...] = (4, 8, 16, 32, 64)) -> np.ndarray:
    """(height, width) smooth noise in 0..1."""
    chance = torch.Generator().manual_seed(seed)
    total = torch.zeros(1, 1, height, width)
    for scale in scales:
        grid = torch.rand(1, 1, max(2, height * scale // max(height, width)), scale, generator=chance)
        total += torch.nn.functional.interpolate(grid, (height, width), mode="bicubic") / scale**0.6
    total -= total.amin()
    return (total / total.amax())[0, 0].numpy()
