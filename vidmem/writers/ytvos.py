"""tracks.ytvos.json: the form of YouTube-VIS, one annotation an object, its masks in a list over the frames."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from typing import Any, BinaryIO

import numpy as np

from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.saving import GrowingFile, hidden, make_folder, number, refusal, replacing

LISTS = ("segmentations", "bboxes", "areas", "scores")  # of an object, over the frames


class YoutubeVos:
    """`segmentations`, `bboxes`, `areas` and `scores` have an item for each frame, null where the object has no mask.

    Lists over all frames cannot be grown in place for several objects. So each object's items are kept in a file of
    its own in a hidden folder, and the JSON is made of these when the frames have doubled and at the end: a killed
    run leaves a whole file that may lack its later half, which --resume or export mends. Nothing is held in memory
    but the ids of the objects.
    """

    needs_image = False

    def __init__(self, folder: Path) -> None:
        self.path = make_folder(Path(folder)) / "tracks.ytvos.json"
        self._items = hidden(self.path.with_suffix(".items"))
        if self._items.exists():
            self._drop_items()  # left by a killed run
        make_folder(self._items)
        self._names = GrowingFile(self._items / "names")
        self._objects: set[int] = set()
        self._size = (0, 0)
        self._made = 0  # how many frames the JSON holds
        self._make()

    def write(self, annotation: Annotation, image: np.ndarray | None = None) -> None:
        """Raises InputError when the disk refuses; the file then holds frames before."""
        for object_id, each in annotation.objects.items():
            if each.box:
                self._keep(object_id, _items(annotation, each))
        self._names.append(json.dumps([self._names.frames, annotation.name]).encode() + b"\n")
        self._size = annotation.size
        if self._names.frames >= 2 * self._made:
            self._make()

    def _keep(self, object_id: int, items: dict[str, Any]) -> None:
        path = self._items / str(object_id)
        file = GrowingFile.reopen(path, frames=self._names.frames) if object_id in self._objects else GrowingFile(path)
        self._objects.add(object_id)
        file.append(json.dumps([self._names.frames, items]).encode() + b"\n")
        file.close()

    def _make(self) -> None:
        """Writes the JSON of all frames so far."""
        height, width = self._size
        shape = {"width": width, "height": height, "length": self._names.frames}
        with replacing(self.path, self._names.frames) as out:
            out.write(b'{"info": {"description": "vidmem tracks", "version": 1},\n')
            out.write(b'"categories": [{"id": 1, "name": "object", "supercategory": "object"}],\n')
            out.write(b'"videos": [' + _open({"id": 1, **shape}) + b', "file_names": ')
            self._write_list(out, self._read("names"))
            out.write(b'}],\n"annotations": [')
            for row, object_id in enumerate(sorted(self._objects)):
                facts = {"id": object_id, "video_id": 1, "category_id": 1, "iscrowd": 0, **shape}
                out.write((b",\n" if row else b"\n") + _open({**facts, "score": self._mean_score(object_id)}))
                for name in LISTS:
                    out.write(f', "{name}": '.encode())
                    self._write_list(out, ((at, items[name]) for at, items in self._read(str(object_id))))
                out.write(b"}")
            out.write(b"\n]}\n")
        self._made = self._names.frames

    def _read(self, name: str) -> Iterator[tuple[int, Any]]:
        """The position and content of each item kept."""
        with (self._items / name).open("rb") as kept:
            for line in kept:
                yield tuple(json.loads(line))

    def _write_list(self, out: BinaryIO, items: Iterator[tuple[int, Any]]) -> None:
        """A JSON list with an item for each frame, null where there is none."""
        out.write(b"[")
        position = 0
        for at, item in items:
            out.write(b"null, " * (at - position) + json.dumps(item).encode())
            position = at + 1
            out.write(b", " if position < self._names.frames else b"")
        out.write(b", ".join([b"null"] * (self._names.frames - position)) + b"]")

    def _mean_score(self, object_id: int) -> float:
        total, count = 0.0, 0
        for _, items in self._read(str(object_id)):
            total, count = total + (items["scores"] or 0.0), count + 1
        return round(total / max(1, count), 6)

    def _drop_items(self) -> None:
        try:
            rmtree(self._items)
        except OSError as error:
            raise refusal(self._items, error) from error

    def close(self) -> None:
        if self._made < self._names.frames:
            self._make()
        self._names.close()
        self._drop_items()


def _items(annotation: Annotation, each: ObjectAnnotation) -> dict[str, Any]:
    x0, y0, x1, y1 = each.box or (0.0, 0.0, 0.0, 0.0)
    return {
        "segmentations": {"size": list(annotation.size), "counts": each.counts},
        "bboxes": [x0, y0, x1 - x0, y1 - y0],
        "areas": each.area,
        "scores": number(each.score),
    }


def _open(facts: dict[str, Any]) -> bytes:
    """A JSON object without its closing bracket, for more to follow."""
    return json.dumps(facts)[:-1].encode()
