"""Draws one frame of a scene, and tells what is where in it. Both are functions of the scene and the frame's number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from vidmem.errors import InputError
from vidmem.scenes.scene import SIZE, Lens, Scene, Thing
from vidmem.sprites import bent, place

Pose = tuple[float, float, float, float, float]  # centre x, centre y, width, height, angle
GROUND = 440.0  # the side of the ground in pixels of the scene; behind its rim it goes on mirrored


@dataclass(frozen=True, eq=False)
class Sight:
    """What is where in a frame."""

    labels: np.ndarray  # (H, W) uint8: the id of the object seen at each pixel, 0 where there is none
    visible: Mapping[int, float]  # id of every object begun -> the share of it that is neither hidden nor out of frame


def draw(scene: Scene, number: int) -> Tensor:
    """(3, H, W) uint8: the picture of frame `number`."""
    _check(scene, number)
    picture = _ground(scene, number)
    for thing in scene.things:
        pose = seen(scene, thing, number)
        top, bottom, left, right = _clipped(*_around(pose))
        if top < bottom and left < right:
            drawn = _sampled(_look(thing, number), pose, thing, number, slice(top, bottom), slice(left, right))
            part = picture[:, top:bottom, left:right]
            part += drawn[3:] * (drawn[:3] - part)
    picture *= torch.from_numpy(scene.light[number].astype(np.float32))[:, None, None]
    return _through(scene.lens, picture, np.random.default_rng((scene.seed, number)))


def truth(scene: Scene, number: int) -> Sight:
    """What is where in frame `number`. A pixel belongs to the foremost thing that covers more than half of it."""
    _check(scene, number)
    labels = np.zeros(SIZE, np.uint8)
    whole: dict[int, int] = {}
    for thing, coverage, rows, columns in _coverages(scene, number):
        counts = thing.object_id and number >= thing.since
        if counts:
            whole[thing.object_id] = int(np.count_nonzero(coverage))
        top, bottom, left, right = _clipped(rows, columns)
        if top < bottom and left < right:
            inside = coverage[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start]
            labels[top:bottom, left:right][inside] = thing.object_id if counts else 0
    visible = {
        object_id: np.count_nonzero(labels == object_id) / max(1, area) for object_id, area in sorted(whole.items())
    }
    return Sight(labels, visible)


def seen(scene: Scene, thing: Thing, number: int) -> Pose:
    """Where a thing is in the picture of a frame, in pixels of the picture."""
    x, y, width, height, angle = thing.way[number]
    right, down, zoom = scene.camera[number]
    middle_y, middle_x = SIZE[0] / 2, SIZE[1] / 2
    return (
        middle_x + zoom * (x - middle_x) + right,
        middle_y + zoom * (y - middle_y) + down,
        zoom * width,
        zoom * height,
        angle,
    )


def _check(scene: Scene, number: int) -> None:
    if not 0 <= number < scene.frames:
        raise InputError(f"There is no frame {number} in a scene of {scene.frames} frames, 0 to {scene.frames - 1}.")


def _ground(scene: Scene, number: int) -> Tensor:
    """(3, H, W) 0..1: what is behind everything."""
    right, down, zoom = (float(each) for each in scene.camera[number])
    scale = 2 / (GROUND * zoom)
    x = (torch.arange(SIZE[1]) + (0.5 - SIZE[1] / 2 - right)) * scale
    y = (torch.arange(SIZE[0]) + (0.5 - SIZE[0] / 2 - down)) * scale
    grid = bent(x[None], y[:, None], scene.bend, number)
    return F.grid_sample(scene.ground[None], grid[None], padding_mode="reflection", align_corners=False)[0]


def _coverages(scene: Scene, number: int) -> Iterator[tuple[Thing, np.ndarray, slice, slice]]:
    """Of each thing, back to front: where it would be if nothing hid it, (h, w) bool within rows and columns.

    The window of an object is whole, even where it reaches out of the frame.
    """
    for thing in scene.things:
        pose = seen(scene, thing, number)
        rows, columns = _around(pose)
        if not thing.object_id:
            top, bottom, left, right = _clipped(rows, columns)
            if top >= bottom or left >= right:
                continue
            rows, columns = slice(top, bottom), slice(left, right)
        coverage = _sampled(_look(thing, number)[3:], pose, thing, number, rows, columns)[0]
        yield thing, (coverage > 0.5).numpy(), rows, columns


def _around(pose: Pose) -> tuple[slice, slice]:
    """The rows and columns something can reach, however it is turned and bent, in the picture or out of it."""
    x, y, width, height, _ = pose
    reach = 0.6 * float(np.hypot(width, height)) + 2
    return slice(int(y - reach), int(y + reach) + 1), slice(int(x - reach), int(x + reach) + 1)


def _clipped(rows: slice, columns: slice) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of what of a window lies in the picture; nothing does if one pair does not rise."""
    return max(0, rows.start), min(SIZE[0], rows.stop), max(0, columns.start), min(SIZE[1], columns.stop)


def _look(thing: Thing, number: int) -> Tensor:
    """(4, h, w) how a thing looks in a frame."""
    if thing.mixture is None:
        return thing.looks[0]
    at = float(thing.mixture[number])
    lower = min(int(at), len(thing.looks) - 2)
    return torch.lerp(thing.looks[lower], thing.looks[lower + 1], at - lower)


def _sampled(pixels: Tensor, pose: Pose, thing: Thing, number: int, rows: slice, columns: slice) -> Tensor:
    """(C, h, w): the pixels (C, ., .) of a thing as they appear in a window of the picture."""
    (a, b, c), (d, e, f) = place(np.array([pose]))[0].tolist()
    x = (torch.arange(columns.start, columns.stop) + 0.5)[None]
    y = (torch.arange(rows.start, rows.stop) + 0.5)[:, None]
    grid = bent(a * x + b * y + c, d * x + e * y + f, thing.bend, number)
    return F.grid_sample(pixels[None], grid[None], align_corners=False)[0]


def _through(lens: Lens, picture: Tensor, chance: np.random.Generator) -> Tensor:
    """(3, H, W) uint8: the picture (3, H, W) 0..1 as a lens, a sensor and a codec leave it."""
    across, down = (picture[:, :, :-2] + picture[:, :, 2:]) / 2, (picture[:, :-2] + picture[:, 2:]) / 2
    soft = (across[:, 1:-1] + down[:, :, 1:-1]) / 2
    picture[:, 1:-1, 1:-1].lerp_(soft, lens.blur)
    grain = _grain()
    start = int(chance.integers(len(grain) - picture.numel()))
    noise = grain[start : start + picture.numel()].view(picture.shape)
    picture = torch.add(picture, noise, alpha=lens.noise / 255).mul_(255).round_().clamp_(0, 255).to(torch.uint8)
    file = BytesIO()
    Image.fromarray(picture.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=lens.quality)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).contiguous()


@lru_cache(maxsize=1)
def _grain() -> Tensor:
    """Enough normal noise to cut each frame's from another place of it, which is faster than to draw it anew."""
    return torch.from_numpy(np.random.default_rng(0).standard_normal(3 << 19, dtype=np.float32))
