"""detections.csv: one line for each detection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vidmem.found import Found
from vidmem.saving import GrowingFile, make_folder

HEADER = "frame,time,name,class,score,x0,y0,x1,y1,id\n"


class Csv:
    """Boxes in pixels, x1 and y1 one past the last; `id` is empty where objects were not linked."""

    needs_image = False

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self._classes = list(classes)
        self._file = GrowingFile(make_folder(Path(folder)) / "detections.csv", head=HEADER.encode())

    def write(self, found: Found, image: np.ndarray | None = None) -> None:
        """Raises InputError when the disk refuses."""
        lines = []
        for row in range(len(found)):
            box = ",".join(f"{edge:.2f}" for edge in found.boxes[row])
            named = "" if found.ids is None else str(int(found.ids[row]))
            kind = self._classes[int(found.labels[row]) - 1]
            score = found.scores[row]
            lines.append(f"{found.frame},{found.time:.6f},{found.name},{kind},{score:.5f},{box},{named}\n")
        self._file.append("".join(lines).encode())

    def close(self) -> None:
        self._file.close()
