"""boxes.mp4: the video with its detections drawn on it, H.264, at the source's true times."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from vidmem.errors import InputError
from vidmem.found import Found
from vidmem.palette import object_colour
from vidmem.video_file import VideoFile

SMALLEST = 320  # pixels of height below which a picture is enlarged, so that words can be read


class Boxes:
    """A box has the colour of its object where objects are linked, of its class otherwise, and is as bright as sure."""

    needs_image = True

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self._classes = list(classes)
        self.file = VideoFile(Path(folder) / "boxes.mp4")

    def write(self, found: Found, image: np.ndarray | None = None) -> None:
        """image (H, W, 3) uint8 RGB. Raises InputError when the disk refuses; the file holds the frames before."""
        if image is None:
            raise InputError(f"{self.file.path} shows the pictures of the source. Leave mp4 out of --formats.")
        self.file.write(draw(image, found, self._classes), found.time)

    def close(self) -> None:
        self.file.close()


def draw(picture: np.ndarray, found: Found, classes: Sequence[str]) -> np.ndarray:
    """A copy of the picture (H, W, 3) uint8 with boxes and their words, a small one enlarged."""
    factor = max(1, -(-SMALLEST // picture.shape[0]))
    canvas = Image.fromarray(picture).resize((picture.shape[1] * factor, picture.shape[0] * factor))
    pencil = ImageDraw.Draw(canvas, "RGBA")
    thick = max(2, canvas.height // 270)
    for row in range(len(found) - 1, -1, -1):  # the surest last, on top
        x0, y0, x1, y1 = (float(each) * factor for each in found.boxes[row])
        label, score = int(found.labels[row]), float(found.scores[row])
        number = label if found.ids is None else int(found.ids[row])
        colour = (*object_colour(number), int(90 + 165 * min(1.0, score)))
        pencil.rectangle((x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)), outline=colour, width=thick)
        named = "" if found.ids is None else f"{number} "
        words = f"{named}{classes[label - 1]} {score:.2f}"
        left, top, right, bottom = pencil.textbbox((x0 + 2, max(0, y0 - 13)), words)
        pencil.rectangle((left - 2, top - 1, right + 2, bottom + 1), fill=(16, 16, 16, 190))
        pencil.text((x0 + 2, max(0, y0 - 13)), words, fill=(*object_colour(number), 255))
    return np.asarray(canvas)
