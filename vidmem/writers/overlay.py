"""overlay.mp4: the video with its masks drawn on it, H.264, at the source's true times."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vidmem.annotation import Annotation
from vidmem.drawing import Looks, draw
from vidmem.errors import InputError
from vidmem.video_file import VideoFile


class Overlay:
    """Objects are drawn as drawing.py says; how the file is kept whole, video_file.py says."""

    needs_image = True

    def __init__(self, folder: Path, looks: Looks | None = None) -> None:
        """looks: object id -> its name and colour, where it has its own."""
        self.file, self.looks = VideoFile(Path(folder) / "overlay.mp4"), looks

    def write(self, annotation: Annotation, image: np.ndarray | None = None) -> None:
        """image (H, W, 3) uint8 RGB. Raises InputError when the disk refuses; the file holds the frames before."""
        if image is None:
            raise InputError(
                f"{self.file.path} shows the pictures of the source. Name the source, or leave mp4 out of --formats."
            )
        self.file.write(draw(image, annotation, self.looks), annotation.time)

    def close(self) -> None:
        self.file.close()
