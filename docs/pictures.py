"""Draws the pictures of the documents from a finished demo run.     python docs/pictures.py runs/demo docs/demo.png"""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

import vidmem

FRAMES = (0, 36, 72, 108)


def main(run: Path, picture: Path) -> None:
    shown = [f for f in islice(vidmem.watch(run / "overlay.mp4"), FRAMES[-1] + 1) if f.index in FRAMES]
    strip = np.concatenate([frame.image.permute(1, 2, 0).numpy()[::2, ::2] for frame in shown], axis=1)
    memory = Image.open(run / "memory.png").convert("RGB")
    memory = memory.resize(
        (strip.shape[1], round(memory.height * strip.shape[1] / memory.width)), Image.Resampling.LANCZOS
    )
    sheet = np.concatenate([strip, np.asarray(memory)])
    Image.fromarray(sheet).quantize(160).save(picture, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
