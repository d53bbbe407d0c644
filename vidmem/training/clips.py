"""Clips to learn from: real sequences cut, turned and pasted over each other, and procedural scenes between them.

A clip is a function of (library, seed, step, number): nothing is remembered from one clip to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from vidmem.sprites import place
from vidmem.training.colouring import recolour
from vidmem.training.procedural import Clip, Layer, compose, path, ripple, scene, shape
from vidmem.training.sequences import Sequence
from vidmem.training.warping import approach, elastic, wander

LEAST = 0.0015  # share of the picture a target must fill in the first frame to be worth asking for


@dataclass(frozen=True)
class Mixture:
    """How often what happens to a clip."""

    synthetic: float = 0.25  # share of wholly procedural clips
    stride: int = 4  # real frames are taken every 1..stride frames
    gap: float = 0.25  # share of real clips whose first frame lies far from the others
    paste: float = 0.45  # share of real clips with something pasted over them
    crowd: int = 1  # things are pasted over a single picture at most; about half of them are asked for too
    compressed: float = 0.0  # share of clips that went through JPEG, as frames of cheap video do
    approach: float = 0.0  # share of real clips in which the camera comes nearer, or draws back, by up to three times
    elastic: float = 0.0  # share of real clips, and of what is pasted over them, that bend as seen through water
    recoloured: float = 0.0  # share of real clips, and of what is pasted over them, whose hues are turned
    still: float = 0.0  # share of real clips, and of what is pasted over them, that are made from still pictures
    absent: float = 0.12  # share of real clips that cut away to another place for some frames


def draw(library: tuple[Sequence, ...], mixture: Mixture, frames: int, size: int, seed: tuple[int, ...]) -> Clip:
    """A clip of `frames` pictures of `size` x `size`, every target well in sight in the first.

    seed: any numbers; the same ones give the same clip.
    """
    chance = np.random.default_rng(seed)
    while True:
        if not library or chance.random() < mixture.synthetic:
            images, masks = scene(chance, frames, size)
        else:
            images, masks = real(chance, library, mixture, frames, size)
        masks = [mask for mask in masks if mask[0].float().mean() >= LEAST]
        if masks:
            images = _light(chance, images)
            pixels = (images * 255).round().clamp(0, 255).to(torch.uint8)
            if mixture.compressed and chance.random() < mixture.compressed:
                pixels = _compressed(pixels, quality=int(chance.integers(15, 60)))
            return Clip(pixels, torch.stack(masks[: max(2, mixture.crowd) if frames == 1 else 2]))


def real(
    chance: np.random.Generator, library: tuple[Sequence, ...], mixture: Mixture, frames: int, size: int
) -> tuple[Tensor, list[Tensor]]:
    """A cut of a real sequence, perhaps with other things over it.     ->   (T, 3, S, S) 0..1, masks"""
    sequence = _choose(chance, library, mixture)
    numbers = _numbers(chance, len(sequence.images), frames, mixture)
    images, masks = _crop(chance, sequence, numbers, size)
    if len(sequence.images) == 1:
        images, masks = wander(chance, images, masks)
    befalls = ((mixture.approach, approach), (mixture.elastic, elastic), (mixture.recoloured, recolour))
    for share, change in befalls:
        if share and chance.random() < share:
            images, masks = change(chance, images, masks)
    layers: list[Layer] = []
    several = int(chance.integers(mixture.crowd)) if frames == 1 and mixture.crowd > 1 else 0
    for _ in range(several + (chance.random() < mixture.paste)):
        kind = chance.choice(["other", "itself", "shape"], p=[0.5, 0.25, 0.25])
        target = bool(chance.random() < 0.5)
        if kind == "shape":
            layers.append(shape(chance, frames, target))
        else:
            source = sequence if kind == "itself" else _choose(chance, library, mixture)
            pasted = cutout(chance, source, _numbers(chance, len(source.images), frames, mixture), target)
            if pasted and mixture.elastic and chance.random() < mixture.elastic:
                pasted = [replace(each, bend=ripple(chance)) for each in pasted]
            if pasted and mixture.recoloured and chance.random() < mixture.recoloured:
                pasted = [_recoloured(chance, each) for each in pasted]
            layers += pasted
    images, visible = compose(images, [masks], layers)
    if frames > 2 and chance.random() < mixture.absent:
        other = _choose(chance, library, mixture)
        first = int(chance.integers(1, frames))
        last = min(frames, first + int(chance.integers(1, 4)))
        if other.scene != sequence.scene:
            away, _ = _crop(chance, other, _numbers(chance, len(other.images), last - first, mixture), size)
            images[first:last] = away
            visible = [_blank(mask, first, last) for mask in visible]
    return images, visible


def _choose(chance: np.random.Generator, library: tuple[Sequence, ...], mixture: Mixture) -> Sequence:
    """A video, or a still picture as often as the mixture says; the one where the library lacks the other."""
    videos, stills = _kinds(library)
    if stills and (not videos or (mixture.still and chance.random() < mixture.still)):
        return stills[chance.integers(len(stills))]
    return videos[chance.integers(len(videos))]


@lru_cache(maxsize=2)
def _kinds(library: tuple[Sequence, ...]) -> tuple[list[Sequence], list[Sequence]]:
    """The videos and the still pictures of a library."""
    return [each for each in library if len(each.images) > 1], [each for each in library if len(each.images) == 1]


def _recoloured(chance: np.random.Generator, layer: Layer) -> Layer:
    """The same in other colours."""
    colours, coverage = recolour(chance, layer.pixels[:, :3], layer.pixels[:, 3:])
    return replace(layer, pixels=torch.cat([colours, coverage], 1))


def _blank(mask: Tensor, first: int, last: int) -> Tensor:
    mask = mask.clone()
    mask[first:last] = False
    return mask


def _numbers(chance: np.random.Generator, length: int, frames: int, mixture: Mixture) -> np.ndarray:
    """Which frames of a sequence make the clip: evenly spaced, forwards or backwards, the first perhaps from afar."""
    stride = int(chance.integers(1, mixture.stride + 1))
    stride = max(1, min(stride, (length - 1) // max(1, frames - 1)))
    span = (frames - 1) * stride
    start = int(chance.integers(0, max(1, length - span)))
    numbers = np.minimum(start + stride * np.arange(frames), length - 1)
    if chance.random() < 0.5:
        numbers = numbers[::-1].copy()
    if frames > 1 and chance.random() < mixture.gap:
        numbers[0] = chance.integers(length)
    return numbers


def _crop(chance: np.random.Generator, sequence: Sequence, numbers: np.ndarray, size: int) -> tuple[Tensor, Tensor]:
    """The chosen frames through a window that keeps the object in its first frame, squashed to a square.

    ->   (T, 3, S, S) 0..1, (T, S, S) bool
    """
    _, _, height, width = sequence.images.shape
    share = chance.uniform(0.45, 1.0, 2) if chance.random() < 0.75 else np.ones(2)
    rows, columns = np.nonzero(sequence.masks[numbers[0]].numpy())
    if len(rows):  # a window smaller than the object would show only a texture
        share[0] = max(share[0], min(1.0, 1.15 * (np.ptp(rows) + 1) / height))
        share[1] = max(share[1], min(1.0, 1.15 * (np.ptp(columns) + 1) / width))
    tall, wide = np.round(share * (height, width)).astype(int)
    middle = (rows.mean(), columns.mean()) if len(rows) else (height / 2, width / 2)
    offset = chance.uniform(-0.4, 0.4, 2)
    top = np.clip(middle[0] + offset[0] * tall - tall / 2, 0, height - tall)
    left = np.clip(middle[1] + offset[1] * wide - wide / 2, 0, width - wide)
    sway = chance.uniform(-0.12, 0.12, 2) * (chance.random() < 0.35)
    zoom = 1 - chance.uniform(0, 0.25) * (chance.random() < 0.3)
    flip = chance.random() < 0.5
    images, masks = [], []
    for step, number in enumerate(numbers):
        share_gone = step / max(1, len(numbers) - 1)
        scale = 1 + (zoom - 1) * share_gone
        h, w = round(tall * scale), round(wide * scale)
        y = int(np.clip(top + sway[0] * height * share_gone + (tall - h) / 2, 0, height - h))
        x = int(np.clip(left + sway[1] * width * share_gone + (wide - w) / 2, 0, width - w))
        image = sequence.images[number : number + 1, :, y : y + h, x : x + w]
        mask = sequence.masks[number : number + 1, None, y : y + h, x : x + w]
        images.append(F.interpolate(image.float(), (size, size), mode="bilinear", antialias=True, align_corners=False))
        masks.append(F.interpolate(mask.float(), (size, size), mode="bilinear", antialias=True, align_corners=False))
    pictures, covered = torch.cat(images) / 255, torch.cat(masks)[:, 0] > 0.5
    return (pictures.flip(-1), covered.flip(-1)) if flip else (pictures, covered)


def cutout(chance: np.random.Generator, sequence: Sequence, numbers: np.ndarray, target: bool) -> list[Layer]:
    """The object of a real sequence, cut out and sent on a way of its own; empty where the object is never seen."""
    masks = sequence.masks[numbers]
    height, width = masks.shape[1:]
    boxes = [_box(mask) for mask in masks.numpy()]
    seen = [box for box in boxes if box is not None]
    if boxes[0] is None or not seen:
        return []
    pixels = torch.cat([sequence.images[numbers].float() / 255, masks[:, None].float()], 1)
    extent = max(max(box[2] - box[0], box[3] - box[1]) for box in seen)
    side = float(np.exp(chance.uniform(np.log(0.35), np.log(1.3))))
    way = path(chance, len(numbers), side)
    way[:, 2] = way[:, 3] = side * np.sqrt(way[:, 2] * way[:, 3]) / side
    way[:, 4] = way[:, 4] - way[0, 4] + chance.normal(0, 0.2)
    places = place(way)
    # `place` maps onto -1..1 over the object's own extent; here the pixels are the whole frame, so move and scale on.
    centre = boxes[0]
    for step, box in enumerate(boxes):
        centre = box or centre
        middle = torch.tensor([(centre[0] + centre[2]) / width - 1, (centre[1] + centre[3]) / height - 1])
        places[step, 0] *= extent / width
        places[step, 1] *= extent / height
        places[step, :, 2] += middle.float()
    if chance.random() < 0.5:
        places[:, :, 0] *= -1  # mirror the scene's x axis ...
        places[:, :, 2] += -2 * places[:, :, 0] * torch.from_numpy(way[:, :1]).float()  # ... about the object
    return [Layer(pixels, places, target)]


def _box(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if len(rows) else None


def _light(chance: np.random.Generator, images: Tensor) -> Tensor:
    """The clip under another light: gain, offset and channel balance, drifting a little; sometimes grey or grainy."""
    frames = len(images)
    drift = torch.linspace(0, 1, frames)[:, None, None, None] * float(chance.normal(0, 0.06))
    gain = torch.from_numpy(np.exp(chance.normal(0, 0.12, (1, 3, 1, 1)) + chance.normal(0, 0.15))).float()
    images = images * (gain + drift) + float(chance.normal(0, 0.04))
    if chance.random() < 0.3:
        images = images.clamp(0, 1) ** float(np.exp(chance.normal(0, 0.25)))
    if chance.random() < 0.06:
        images = images.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    if chance.random() < 0.2:
        blurred = F.avg_pool2d(images, 3, 1, 1, count_include_pad=False)
        images = images + (blurred - images) * float(chance.uniform(0.2, 1))
    if chance.random() < 0.25:
        noise = chance.standard_normal(images.shape, dtype=np.float32)
        images = images + float(chance.uniform(0, 0.04)) * torch.from_numpy(noise)
    return images


def _compressed(pixels: Tensor, quality: int) -> Tensor:
    """Each picture as JPEG gives it back.     pixels (T, 3, S, S) uint8"""
    worn = []
    for each in pixels.permute(0, 2, 3, 1).numpy():
        file = BytesIO()
        Image.fromarray(each).save(file, "JPEG", quality=quality)
        worn.append(np.array(Image.open(file)))
    return torch.from_numpy(np.stack(worn)).permute(0, 3, 1, 2).contiguous()
