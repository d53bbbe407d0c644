"""Draws docs/nano-failures.jpg from an evaluation: what the embedded model followed, and where it lost it.

    vidmem eval davis16 --root $VIDMEM_DATA/DAVIS --model nano --tracker sam2 --out runs/davis16
    python docs/nano_failures.py runs/davis16

A row for each sequence: its first frame, a quarter, half, and the frame after the first tenth that was answered worst.
The answer is filled, the truth outlined; below each frame its J.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PICTURE = Path(__file__).with_name("nano-failures.jpg")
CELL = (228, 128)  # width and height of a frame on the sheet
LEFT, CAPTION, GAP = 112, 18, 4  # pixels for the names, for what is said below a frame, and between frames
FILL, LINE = np.array([0, 150, 255]), (255, 255, 255)


def main(run: Path, davis: Path) -> None:
    plan = json.loads((run / "plan.json").read_text())
    names = sorted(each.name for each in (run / "results").iterdir() if each.is_dir())
    sheet = Image.new("RGB", (LEFT + 4 * (CELL[0] + GAP), len(names) * (CELL[1] + CAPTION + GAP)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for row, name in enumerate(names):
        top = row * (CELL[1] + CAPTION + GAP)
        pen.text((6, top + CELL[1] / 2), name, "black", font, "lm")
        for column, (number, overlap, picture) in enumerate(shown(run / "results" / name, davis, name)):
            left = LEFT + column * (CELL[0] + GAP)
            sheet.paste(picture, (left, top))
            said = "given" if number == 0 else f"J {overlap:.2f}"
            pen.text((left + CELL[0] / 2, top + CELL[1] + CAPTION / 2), f"frame {number}   {said}", "black", font, "mm")
    sheet.save(PICTURE, quality=85)
    print(f"{PICTURE} shows {len(names)} sequences of {plan.get('tracker', run.name)}")


def shown(answers: Path, davis: Path, name: str) -> list[tuple[int, float, Image.Image]]:
    """(frame number, J, picture) of the four frames of a sequence."""
    stems = sorted(each.stem for each in answers.glob("*.png"))
    pairs = [
        (plane(answers / f"{stem}.png"), plane(davis / "Annotations" / "480p" / name / f"{stem}.png")) for stem in stems
    ]
    overlaps = [float((a & t).sum() / max(1, (a | t).sum())) if (a | t).any() else 1.0 for a, t in pairs]
    last = len(stems) - 1
    worst = min(range(max(1, last // 10), last + 1), key=overlaps.__getitem__)
    chosen = sorted({0, last // 4, last // 2, worst})
    out = []
    for number in chosen:
        image = np.array(Image.open(davis / "JPEGImages" / "480p" / name / f"{stems[number]}.jpg").convert("RGB"))
        out.append((number, overlaps[number], drawn(image, *pairs[number])))
    return out


def plane(path: Path) -> np.ndarray:
    """(H, W) bool: where any object is."""
    return np.array(Image.open(path)) > 0


def drawn(image: np.ndarray, answer: np.ndarray, truth: np.ndarray) -> Image.Image:
    """A frame with the answer filled and the truth outlined."""
    picture = image.astype(float)
    picture[answer] = 0.5 * picture[answer] + 0.5 * FILL
    wide = np.pad(truth, 2)
    near = np.logical_or.reduce(
        [wide[y : y + truth.shape[0], x : x + truth.shape[1]] for y in (0, 2, 4) for x in (0, 2, 4)]
    )
    picture[near & ~truth] = LINE
    return Image.fromarray(picture.astype(np.uint8)).resize(CELL, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(os.environ["VIDMEM_DATA"]) / "DAVIS")
