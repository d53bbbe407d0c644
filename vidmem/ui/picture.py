"""Pictures for the browser: a frame with its objects drawn on it, a thumbnail of what is remembered."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Container, Mapping
from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image

from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.drawing import draw
from vidmem.values import Frame

WIDEST = 1280  # pixels: a larger frame is shown smaller, its masks stay whole
THUMBNAIL = 72


def pixels(frame: Frame) -> np.ndarray:
    """(H, W, 3) uint8."""
    return np.ascontiguousarray(frame.image.permute(1, 2, 0).cpu().numpy())


def shown(
    frame: Frame,
    annotation: Annotation,
    looks: Mapping[int, tuple[str, tuple[int, int, int]]],
    hidden: Container[int] = (),
) -> np.ndarray:
    """(H, W, 3) uint8: the frame with the objects that are not hidden, in their own names and colours."""
    visible = {each: said for each, said in annotation.objects.items() if each not in hidden}
    return draw(pixels(frame), replace(annotation, objects=visible), looks)


def as_url(picture: np.ndarray, widest: int = WIDEST, quality: int = 84) -> str:
    """A JPEG that stands in a page by itself."""
    image = Image.fromarray(picture)
    if image.width > widest:
        image = image.resize((widest, round(image.height * widest / image.width)), Image.Resampling.BILINEAR)
    file = BytesIO()
    image.save(file, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + b64encode(file.getvalue()).decode()


def thumbnail(picture: np.ndarray, each: ObjectAnnotation, colour: tuple[int, int, int], margin: float = 0.3) -> str:
    """The surroundings of an object, square, its pixels tinted, as a small JPEG. Out of sight: the picture's middle."""
    height, width = picture.shape[:2]
    box = each.box
    x0, y0, x1, y1 = box or (0, 0, width, height)
    side = int(min(max(x1 - x0, y1 - y0) * (1 + 2 * margin) if box else min(height, width), height, width))
    left = int(min(max(0, (x0 + x1 - side) / 2), width - side))
    top = int(min(max(0, (y0 + y1 - side) / 2), height - side))
    cut, mask = (a[top : top + side, left : left + side] for a in (picture, each.mask))
    tinted = np.where(mask[..., None], 0.62 * cut + 0.38 * np.array(colour), cut).astype(np.uint8)
    small = Image.fromarray(tinted).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
    return as_url(np.asarray(small), quality=80)
