"""Drawn videos for detection: patterned things whose class is a fine pattern, seen through blur, defocus and posts.

The four classes differ in their pattern alone. Each thing has an outline and two colours of its own, which say nothing
of its class: defocus and motion blur wipe the pattern out and leave the colours, so that a blurred thing can only be
named by who saw it sharp before. A video is a function of (seed, number, frames); any frame is drawn by itself.

Axes:  T frames,  H W the picture's size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.sprites import outline, place, texture

SIZE = (96, 128)  # (H, W)
WAVES = 4.5  # of a pattern across a thing: 6 to 9 pixels each
SIDES = (26.0, 40.0)  # pixels
SPEEDS = {"slow": (0.03, 0.2), "medium": (0.4, 0.9), "fast": (1.6, 3.6)}  # pixels a frame; by motion IoU, about
SHUTTER = (1.0, 3.0)  # frames of its own motion that a thing is smeared over
DEFOCUS = (2.2, 3.6)  # pixels, the spread of the blur at its worst
SHARP, BLURRED = (6, 18), (10, 30)  # frames that a stretch in focus, and one out of focus, lasts: two in three are out
CLEARLY = (10, 35), (8, 24)  # the same of clear videos: four in ten are out
GOES, RESTS = (10, 30), (5, 12)  # frames that a thing goes, and rests, by turns: the fastest is clear at times
COATS = (0.3, 0.7)  # each of red, green and blue of a thing is about one of these
LEAST_SEEN = 0.3  # the share in sight below which a thing is not annotated

PATTERNS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "zebra": lambda x, y: torch.sin(WAVES * math.pi * x),
    "tiger": lambda x, y: torch.sin(WAVES * math.pi * y),
    "giant_panda": lambda x, y: torch.sin(WAVES * 0.8 * math.pi * x) * torch.sin(WAVES * 0.8 * math.pi * y) * 2,
    "snake": lambda x, y: torch.sin(WAVES * math.pi * (x * x + y * y).sqrt()),
}
"""Class -> its pattern over a thing's own coordinates (-1..1), about -1..1. They bear names of ImageNet VID, because
its layout knows no others."""


@dataclass(frozen=True, eq=False)
class Thing:
    """One object on its way."""

    name: str  # of its class
    pixels: Tensor  # (4, h, w) red, green, blue, coverage, 0..1
    way: np.ndarray  # (T, 5) centre x, centre y, width, height, angle
    smear: float  # frames of its motion it is smeared over


@dataclass(frozen=True, eq=False)
class DrawnVideo:
    """All that its frames are drawn from."""

    seed: tuple[int, int]
    ground: Tensor  # (3, h, w)
    shift: np.ndarray  # (T, 2) of the camera, pixels
    things: tuple[Thing, ...]  # back to front
    posts: tuple[tuple[float, float, Tensor], ...]  # left edge and width in pixels, colours (3, H, w): in front of all
    defocus: np.ndarray  # (T,) pixels

    def __len__(self) -> int:
        return len(self.defocus)


@dataclass(frozen=True)
class DrawnBox:
    """One object in a frame: the box x0 y0 x1 y1 (pixels, the last ones within) of what is in sight of it."""

    name: str
    track_id: int
    box: tuple[int, int, int, int]
    occluded: bool


def make(seed: int, number: int, frames: int, clear: bool = False) -> DrawnVideo:
    """The video `number` of the set `seed`. clear: it is more often in focus, for a detector to learn to see by."""
    chance = np.random.default_rng([seed, number])
    height, width = SIZE
    kinds = chance.choice(list(PATTERNS), size=int(chance.integers(2, 5)))
    coats = chance.permutation(8)[: len(kinds)]
    things = [_thing(chance, str(kind), int(coat), frames) for kind, coat in zip(kinds, coats, strict=True)]
    posts = []
    for _ in range(int(chance.choice([0, 1, 2], p=[0.4, 0.4, 0.2]))):
        wide = int(chance.integers(9, 18))
        colour = texture(chance, height)[:, :, :wide]
        posts.append((float(chance.uniform(8, width - 8 - wide)), float(wide), colour))
    t = np.arange(frames)
    shift = 6 * np.sin(chance.uniform(0.01, 0.04, 2) * t[:, None] + chance.uniform(0, 6.3, 2))
    ground = texture(chance, 160) * 0.6 + 0.2
    defocus = _focus(chance, frames, *(CLEARLY if clear else (SHARP, BLURRED)))
    return DrawnVideo((seed, number), ground, shift, tuple(things), tuple(posts), defocus)


def _thing(chance: np.random.Generator, name: str, coat: int, frames: int) -> Thing:
    """coat: which of the eight corners of the colours a thing is near: it tells the things of a video apart."""
    grain = 96
    axis = torch.linspace(-1, 1, grain)
    x, y = axis[None].expand(grain, grain), axis[:, None].expand(grain, grain)
    wave = (PATTERNS[name](x, y) * 3).tanh() * 0.5 + 0.5
    corner = np.array([coat >> 2 & 1, coat >> 1 & 1, coat & 1])
    middle = COATS[0] + (COATS[1] - COATS[0]) * corner + chance.normal(0, 0.03, 3)
    apart = chance.uniform(0.16, 0.26) * chance.choice([-1.0, 1.0]) * np.ones(3) + chance.normal(0, 0.04, 3)
    dark, light = (torch.from_numpy(np.clip(middle + s * apart, 0, 1)).float() for s in (-1, 1))
    colours = dark[:, None, None] * (1 - wave) + light[:, None, None] * wave
    cover = outline(chance, grain, {"blob": 0.7, "polygon": 0.3})
    return Thing(name, torch.cat([colours, cover[None]]), _way(chance, frames), float(chance.uniform(*SHUTTER)))


def _way(chance: np.random.Generator, frames: int) -> np.ndarray:
    """(T, 5): straight ahead with rests, mirrored at the rim of the picture."""
    height, width = SIZE
    side = float(chance.uniform(*SIDES))
    speed = float(chance.uniform(*SPEEDS[str(chance.choice(list(SPEEDS)))]))
    heading = chance.uniform(0, 2 * np.pi)
    velocity = speed * np.array([np.cos(heading), np.sin(heading)])
    low, high = np.array([0.4 * side, 0.4 * side]), np.array([width - 0.4 * side, height - 0.4 * side])
    straight = chance.uniform(low, high) + velocity * _going(chance, frames)[:, None]
    folded = (straight - low) % (2 * (high - low))
    centre = low + np.where(folded > high - low, 2 * (high - low) - folded, folded)
    stretch = float(np.exp(chance.normal(0, 0.12)))
    angle = 0.2 * np.sin(chance.uniform(0.02, 0.08) * np.arange(frames) + chance.uniform(0, 6.3))
    sides = np.tile([side * stretch**0.5, side / stretch**0.5], (frames, 1))
    return np.column_stack([centre, sides, angle])


def _going(chance: np.random.Generator, frames: int) -> np.ndarray:
    """(T,) for how many frames a thing has gone by then, not counting those in which it rests."""
    return np.cumsum(_turns(chance, frames, RESTS, GOES))


def _focus(chance: np.random.Generator, frames: int, sharp: tuple[int, int], blurred: tuple[int, int]) -> np.ndarray:
    """(T,) how far the lens is off: stretches in focus and out of it, by turns."""
    off = _turns(chance, frames + 4, sharp, blurred)
    eased = np.convolve(off, np.ones(5) / 5, "valid")  # no lens jumps
    return eased * chance.uniform(*DEFOCUS)


def _turns(chance: np.random.Generator, frames: int, off: tuple[int, int], on: tuple[int, int]) -> np.ndarray:
    """(T,) 0 and 1 in stretches of as many frames as lie within `off` and `on`, from somewhere within a stretch."""
    is_on = bool(chance.random() < sum(on) / sum(off + on))
    found = np.zeros(0)
    while len(found) < frames + on[1]:
        low, high = on if is_on else off
        found = np.append(found, np.full(int(chance.integers(low, high + 1)), float(is_on)))
        is_on = not is_on
    start = int(chance.integers(0, off[0]))
    return found[start : start + frames]


def draw(video: DrawnVideo, number: int) -> tuple[Tensor, tuple[DrawnBox, ...]]:
    """(3, H, W) uint8, and every object of which enough is in sight."""
    height, width = SIZE
    right, down = video.shift[number].astype(int)
    top, left = 32 + down, 16 + right
    picture = video.ground[:, top : top + height, left : left + width].clone()
    hidden = torch.zeros(SIZE, dtype=torch.bool)
    seen: list[Tensor] = []
    for thing in video.things:
        colours, cover = _smeared(thing, number)
        picture = picture * (1 - cover) + colours
        body = _sampled(thing, thing.way[number])[3] > 0.5
        seen = [each & ~body for each in seen] + [body]
    for edge, wide, colours in video.posts:
        start = round(edge)
        picture[:, :, start : start + int(wide)] = colours
        hidden[:, start : start + int(wide)] = True
    boxes = [_boxed(video, place, number, each & ~hidden) for place, each in enumerate(seen)]
    chance = np.random.default_rng([*video.seed, number])
    picture = _defocused(picture, float(video.defocus[number]))
    picture = picture + torch.from_numpy(chance.normal(0, 3 / 255, (3, *SIZE)).astype(np.float32))
    return (picture * 255).round().clamp(0, 255).to(torch.uint8), tuple(each for each in boxes if each is not None)


def _smeared(thing: Thing, number: int) -> tuple[Tensor, Tensor]:
    """(3, H, W) colours already weighed by their coverage, and the coverage (1, H, W), averaged over its motion."""
    before = thing.way[max(number - 1, 0)]
    motion = (thing.way[number] - before)[:2] * thing.smear
    length = float(np.hypot(*motion))
    steps = min(9, 1 + math.ceil(length))
    total = torch.zeros(4, *SIZE)
    for share in np.linspace(-0.5, 0.5, steps) if steps > 1 else (0.0,):
        pose = thing.way[number].copy()
        pose[:2] += motion * share
        drawn = _sampled(thing, pose)
        total += torch.cat([drawn[:3] * drawn[3:], drawn[3:]])
    return total[:3] / steps, total[3:] / steps


def _sampled(thing: Thing, pose: np.ndarray) -> Tensor:
    """(4, H, W) a thing as it appears in the picture."""
    (a, b, c), (d, e, f) = place(pose[None])[0].tolist()
    x, y = (torch.arange(SIZE[1]) + 0.5)[None], (torch.arange(SIZE[0]) + 0.5)[:, None]
    grid = torch.stack([a * x + b * y + c, d * x + e * y + f], -1)
    return F.grid_sample(thing.pixels[None], grid[None], align_corners=False)[0]


def _boxed(video: DrawnVideo, number: int, frame: int, seen: Tensor) -> DrawnBox | None:
    """The box of what is in sight of a thing (H, W) bool; None where that is too little."""
    thing = video.things[number]
    whole = float((thing.pixels[3] > 0.5).float().mean()) * thing.way[frame, 2] * thing.way[frame, 3]
    share = int(seen.sum()) / max(whole, 1.0)
    if share < LEAST_SEEN:
        return None
    rows, columns = torch.where(seen.any(1))[0], torch.where(seen.any(0))[0]
    box = (int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1]))
    return DrawnBox(thing.name, number, box, share < 0.9)


def _defocused(picture: Tensor, spread: float) -> Tensor:
    """The picture (3, H, W) through a lens that is off by `spread` pixels."""
    if spread < 0.2:
        return picture
    reach = math.ceil(2.5 * spread)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / spread) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(picture[:, None], (reach, reach, reach, reach), mode="reflect")
    across = F.conv2d(padded, kernel.view(1, 1, 1, -1))
    return F.conv2d(across, kernel.view(1, 1, -1, 1))[:, 0]
