"""tracks.csv: one line for each object and frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vidmem.annotation import Annotation
from vidmem.saving import GrowingFile, make_folder

HEADER = "frame,time,object,x0,y0,x1,y1,score,visible,area\n"


class Csv:
    """Boxes in pixels, x1 and y1 one past the last; their four cells are empty when the mask is.

    `time` is in seconds, `score` 0..1, `visible` 1 or 0, `area` in pixels.
    """

    needs_image = False

    def __init__(self, folder: Path) -> None:
        self._file = GrowingFile(make_folder(Path(folder)) / "tracks.csv", head=HEADER.encode())

    def write(self, annotation: Annotation, image: np.ndarray | None = None) -> None:
        """Raises InputError when the disk refuses."""
        lines = []
        for object_id, each in annotation.objects.items():
            box = ",".join(f"{edge:g}" for edge in each.box) if each.box else ",,,"
            lines.append(
                f"{annotation.frame},{annotation.time:.6f},{object_id},{box},{each.score:.6f},{each.visible:d},{each.area}\n"
            )
        self._file.append("".join(lines).encode())

    def close(self) -> None:
        self._file.close()
