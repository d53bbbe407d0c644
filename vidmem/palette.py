"""The colours of objects: the table of index PNGs, and livelier ones to draw with."""

from __future__ import annotations

import colorsys
from functools import cache

import numpy as np


@cache
def davis_palette() -> np.ndarray:
    """(256, 3) uint8: the colour of each object id in an index PNG, as DAVIS and PASCAL VOC colour them.

    Bit k of the red, green and blue of an id are bits 3k, 3k+1 and 3k+2 of the id, the lowest k brightest. The files
    of DAVIS 2017 differ by 1 in some colours (191 for 192) and turn grey behind id 21; only the index has a meaning.
    """
    ids = np.arange(256)
    table = np.zeros((256, 3), np.uint8)
    for step in range(8):
        for channel in range(3):
            table[:, channel] |= (((ids >> (3 * step + channel)) & 1) << (7 - step)).astype(np.uint8)
    table.setflags(write=False)  # one table is shared by all who ask
    return table


def object_colour(object_id: int) -> tuple[int, int, int]:
    """Red, green and blue, 0..255: bright, and far from those of the neighbouring ids, however many there are."""
    golden = 0.6180339887  # the step that spreads any number of hues most evenly
    red, green, blue = colorsys.hsv_to_rgb((0.02 + (object_id - 1) * golden) % 1.0, 0.78, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)
