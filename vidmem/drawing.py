"""Masks drawn over a picture: a coloured veil with a sharp edge, the object's id and how sure the tracker is of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.palette import object_colour

Looks = Mapping[int, tuple[str, tuple[int, int, int]]]  # object id -> name, red green blue
VEIL = 105  # how much of the colour covers the object, of 255


def draw(picture: np.ndarray, annotation: Annotation, looks: Looks | None = None) -> np.ndarray:
    """A copy of the picture with every object drawn on it. Objects out of sight are listed in the upper left corner.

    picture (H, W, 3) uint8 RGB  ->  (H, W, 3) uint8.   looks: object id -> its name and colour, where it has its own.
    """
    looks = looks or {}
    names = {each: looks[each][0] if each in looks else str(each) for each in annotation.objects}
    colours = {each: looks[each][1] if each in looks else object_colour(each) for each in annotation.objects}
    canvas = Image.fromarray(picture)
    height = picture.shape[0]
    thickness, letters = max(1, round(height / 270)), max(10, height // 30)
    for object_id, each in sorted(annotation.objects.items(), key=lambda item: -item[1].area):  # small ones on top
        if each.box:
            _veil(canvas, each, colours[object_id], thickness)
    lost = 4
    for object_id, each in annotation.objects.items():  # labels last: no veil may cover them
        words = f"{names[object_id]}  {each.score:.2f}" if each.visible else f"{names[object_id]}  lost"
        label = _label(words, colours[object_id], letters, each.visible)
        if each.visible and each.box:
            x, y = round(each.box[0]), round(each.box[1]) - label.height - 2
            x, y = (
                min(x, canvas.width - label.width),
                y if y >= 0 else min(round(each.box[3]) + 2, height - label.height),
            )
            canvas.paste(label, (max(0, x), max(0, y)))
        elif lost + label.height <= height:
            canvas.paste(label, (4, lost))
            lost += label.height + 2
    return np.asarray(canvas)


def _veil(canvas: Image.Image, each: ObjectAnnotation, colour: tuple[int, int, int], thickness: int) -> None:
    assert each.box is not None
    x0, y0, x1, y1 = (int(edge) for edge in each.box)
    mask = each.mask[y0:y1, x0:x1]
    # Where all four neighbours `thickness` away are of the object too is its inside; what is left is its edge.
    inside = np.zeros_like(mask)
    if mask.shape[0] > 2 * thickness and mask.shape[1] > 2 * thickness:
        t = thickness
        core = inside[t:-t, t:-t]
        np.logical_and(mask[: -2 * t, t:-t], mask[2 * t :, t:-t], out=core)
        core &= mask[t:-t, : -2 * t]
        core &= mask[t:-t, 2 * t :]
        core &= mask[t:-t, t:-t]
    cover = np.multiply(mask, 255, dtype=np.uint8)
    cover[inside] = VEIL
    canvas.paste(colour, (x0, y0), Image.fromarray(cover))


@lru_cache(maxsize=1024)
def _label(words: str, colour: tuple[int, int, int], letters: int, filled: bool) -> Image.Image:
    """The words on a plate of the colour; for an object out of sight, coloured words on a dark plate."""
    font = _font(letters)
    margin = letters // 3
    width = round(font.getlength(words)) + 2 * margin
    dark, light = (16, 16, 16), (255, 255, 255)
    readable = dark if 3 * colour[0] + 6 * colour[1] + colour[2] > 1200 else light
    plate = Image.new("RGB", (width, letters + margin), colour if filled else dark)
    ImageDraw.Draw(plate).text((margin, plate.height // 2), words, readable if filled else colour, font, anchor="lm")
    return plate


@lru_cache(maxsize=8)
def _font(letters: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(letters)
