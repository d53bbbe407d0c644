"""One frame with the answer drawn as a coloured veil and the truth as a white line; boxes likewise, as frames."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from vidmem.palette import object_colour

WIDTH = 360  # pixels of a picture
VEIL = 120  # how much of the colour covers the object, of 255
DARK, WHITE = (16, 16, 16), (255, 255, 255)

Box = tuple[float, float, float, float]


def colour_of_object(object_id: int) -> tuple[int, int, int]:
    """Object 1 is magenta, which few scenes are; the others lie as far apart as everywhere."""
    return object_colour(object_id + 3)


def sketch_masks(picture: np.ndarray, truth: Mapping[int, np.ndarray], answer: Mapping[int, np.ndarray]) -> bytes:
    """JPEG, WIDTH wide.     picture (H, W, 3) uint8 RGB     truth, answer: object id -> (H, W) bool"""
    canvas = _smaller(picture)
    for object_id, mask in answer.items():
        cover = Image.fromarray(np.multiply(mask, VEIL, dtype=np.uint8)).resize(canvas.size, Image.Resampling.BILINEAR)
        canvas.paste(colour_of_object(object_id), (0, 0), cover)
    for mask in truth.values():
        _outline(canvas, mask)
    return _jpeg(canvas)


def sketch_boxes(picture: np.ndarray, truth: Box | None, answer: Box | None) -> bytes:
    """JPEG, WIDTH wide.     picture (H, W, 3) uint8 RGB     truth, answer: x0 y0 x1 y1 in pixels, or None"""
    canvas = _smaller(picture)
    scale = canvas.width / picture.shape[1]
    pen = ImageDraw.Draw(canvas)
    for box, colour in ((truth, WHITE), (answer, colour_of_object(1))):
        if box is not None:
            x0, y0, x1, y1 = (edge * scale for edge in box)
            corners = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
            pen.rectangle(corners, outline=DARK, width=4)
            pen.rectangle(corners, outline=colour, width=2)
    return _jpeg(canvas)


def _smaller(picture: np.ndarray) -> Image.Image:
    whole = Image.fromarray(picture)
    return whole.resize((WIDTH, max(1, round(whole.height * WIDTH / whole.width))), Image.Resampling.LANCZOS)


def _outline(canvas: Image.Image, mask: np.ndarray) -> None:
    """A white line on the inner edge of the mask, with a dark one outside it so that it shows on any ground."""
    grey = Image.fromarray(np.multiply(mask, 255, dtype=np.uint8)).resize(canvas.size, Image.Resampling.NEAREST)
    inside = np.asarray(grey) > 0
    wide, narrow = np.asarray(grey.filter(ImageFilter.MaxFilter(3))), np.asarray(grey.filter(ImageFilter.MinFilter(3)))
    canvas.paste(DARK, (0, 0), Image.fromarray(np.where(inside, 0, wide // 2).astype(np.uint8)))
    canvas.paste(WHITE, (0, 0), Image.fromarray(np.where(inside, 255 - narrow, 0).astype(np.uint8)))


def _jpeg(canvas: Image.Image) -> bytes:
    written = io.BytesIO()
    canvas.save(written, "JPEG", quality=82)
    return written.getvalue()
