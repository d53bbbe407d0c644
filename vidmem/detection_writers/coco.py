"""detections.json: COCO's list of results, each with its class by number and by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vidmem.found import Found
from vidmem.saving import GrowingFile, make_folder


class Coco:
    """image_id is the frame's name, category_id the detector's label (1 is its first class), bbox x y width height."""

    needs_image = False

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self._classes, self._any = list(classes), False
        self._file = GrowingFile(make_folder(Path(folder)) / "detections.json", head=b"[", tail=b"\n]\n")

    def write(self, found: Found, image: np.ndarray | None = None) -> None:
        """Raises InputError when the disk refuses."""
        lines = []
        for row in range(len(found)):
            x0, y0, x1, y1 = (float(each) for each in found.boxes[row])
            label = int(found.labels[row])
            said = {
                "image_id": found.name,
                "category_id": label,
                "category": self._classes[label - 1],
                "bbox": [round(each, 2) for each in (x0, y0, x1 - x0, y1 - y0)],
                "score": round(float(found.scores[row]), 5),
            }
            if found.ids is not None:
                said["track_id"] = int(found.ids[row])
            lines.append("\n" + json.dumps(said))
        if lines:
            self._file.append((("," if self._any else "") + ",".join(lines)).encode())
            self._any = True

    def close(self) -> None:
        self._file.close()
