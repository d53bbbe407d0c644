"""Where masks are kept: one growing file a person. What lies there is never changed, so undo costs nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vidmem import rle
from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.saving import GrowingFile, make_folder
from vidmem.ui.results import LOST, ROW, VISIBLE, Results, Row


class Shelf:
    """Puts annotations away and gives them back. Memory holds a time and a name for each frame, no mask."""

    def __init__(self, folder: Path, size: tuple[int, int]) -> None:
        self.path, self.size = make_folder(folder) / "masks.rle", size
        self._file, self._lock = GrowingFile(self.path), threading.Lock()
        self._known: dict[int, tuple[float, str]] = {}  # frame -> its time and name

    def put(self, annotation: Annotation) -> dict[int, Row]:
        """object id -> the row that finds it again. Raises InputError when the disk refuses."""
        rows: dict[int, Row] = {}
        with self._lock:
            self._known[annotation.frame] = (annotation.time, annotation.name)
            for object_id, each in annotation.objects.items():
                counts = each.counts.encode()
                alone = b"" if each.exclusive is None else rle.encode(each.exclusive).encode()
                state = VISIBLE if each.visible else LOST
                numbers = (each.score, each.pred_iou, each.object_score_logit, state)
                rows[object_id] = np.array((self._file.end, len(counts), len(alone), *numbers), ROW)[()]
                self._file.append(counts + alone)
        return rows

    def get(self, results: Results, frame: int, prompted: frozenset[int] = frozenset()) -> Annotation:
        """All that was answered in a frame. prompted: the objects that were marked there."""
        objects = {i: self._object(row, i in prompted) for i, row in sorted(results.at(frame).items())}
        time, name = self._known.get(frame, (0.0, f"{frame:05d}"))
        return Annotation(frame, time, name, self.size, objects)

    def every(self, results: Results, prompted: dict[int, frozenset[int]]) -> Iterator[Annotation]:
        """Every frame with an answer, in order, one at a time."""
        for frame in results.frames():
            yield self.get(results, frame, prompted.get(frame, frozenset()))

    def _object(self, row: Row, prompted: bool) -> ObjectAnnotation:
        length, alone = int(row["length"]), int(row["exclusive"])
        with self.path.open("rb") as file:
            file.seek(int(row["offset"]))
            content = file.read(length + alone)
        mask = rle.decode(content[:length].decode(), self.size)
        exclusive = rle.decode(content[length:].decode(), self.size) if alone else None
        numbers = float(row["pred_iou"]), float(row["logit"])
        return ObjectAnnotation(mask, float(row["score"]), row["state"] == VISIBLE, *numbers, prompted, exclusive)

    def close(self) -> None:
        self._file.close()
