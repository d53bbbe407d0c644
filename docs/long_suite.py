"""Draws docs/long-suite.png: a row for each kind of scene, with the truth outlined.     python docs/long_suite.py"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vidmem.palette import object_colour
from vidmem.scenes import kinds, make
from vidmem.scenes.drawing import draw, truth
from vidmem.scenes.scene import Scene

PICTURE = Path(__file__).with_name("long-suite.png")
SEED, LENGTH = 2, 300
FRAMES = range(0, LENGTH, 38)
CELL = (160, 120)  # width and height of a frame on the sheet
COARSE = 8  # steps of brightness, of 255, that are told apart; so the noise compresses
LEFT, TOP, GAP = 96, 24, 4  # pixels for the names, for the frame numbers, and between frames


def main() -> None:
    rows = list(kinds)
    size = (LEFT + len(FRAMES) * (CELL[0] + GAP), TOP + len(rows) * (CELL[1] + GAP))
    sheet = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for column, number in enumerate(FRAMES):
        pen.text((LEFT + column * (CELL[0] + GAP) + CELL[0] / 2, TOP / 2), f"frame {number}", "black", font, "mm")
    for row, kind in enumerate(rows):
        scene, top = make(kind, SEED, LENGTH), TOP + row * (CELL[1] + GAP)
        pen.text((8, top + CELL[1] / 2), kind, "black", font, "lm")
        for column, number in enumerate(FRAMES):
            frame = Image.fromarray(outlined(scene, number)).resize(CELL, Image.Resampling.LANCZOS)
            sheet.paste(frame, (LEFT + column * (CELL[0] + GAP), top))
    steps = [min(255, round(value / COARSE) * COARSE) for value in range(256)]
    sheet.point(steps * 3).save(PICTURE, optimize=True)


def outlined(scene: Scene, number: int) -> np.ndarray:
    """(H, W, 3) uint8: a frame with a line around each object, in the colour of its id and black."""
    picture, labels = draw(scene, number).permute(1, 2, 0).numpy().copy(), truth(scene, number).labels
    for object_id in np.unique(labels[labels > 0]).tolist():
        mask = labels == object_id
        picture[grown(mask, 4) & ~grown(mask, 2)] = (0, 0, 0)
        picture[grown(mask, 2) & ~mask] = object_colour(object_id)
    return picture


def grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    """A mask (H, W) with a rim of so many pixels added."""
    for _ in range(pixels):
        wide = np.pad(mask, 1)
        mask = mask | wide[2:, 1:-1] | wide[:-2, 1:-1] | wide[1:-1, 2:] | wide[1:-1, :-2]
    return mask


if __name__ == "__main__":
    main()
