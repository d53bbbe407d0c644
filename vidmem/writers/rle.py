"""tracks.rle.json: COCO's form, one annotation for each object and frame. `pycocotools.coco.COCO` opens it."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copyfileobj
from typing import Any, BinaryIO

import numpy as np

from vidmem import rle
from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.errors import InputError
from vidmem.saving import GrowingFile, make_folder, number, replacing

ABOUT = {
    "info": {"description": "vidmem tracks", "version": 1},
    "categories": [{"id": 1, "name": "object", "supercategory": "object"}],
}
HEAD = json.dumps(ABOUT)[:-1].encode() + b', "images": [\n'
BETWEEN = b'],\n"annotations": [\n'
TAIL = b"\n]}\n"
ROOM = 1 << 16  # bytes for the list of images to begin with: some 500 frames


class CocoRle:
    """The file on disk is whole JSON after every frame, and nothing of it is held in memory.

    Both of COCO's lists grow with each frame. `annotations` stands last and grows over the closing brackets; `images`
    grows into blanks left for it, which JSON does not mind; used up, they are made four times as many.

    An image has `frame`, `name` and `time` beside its id (the frame) and size. An annotation has `object_id` (also as
    `track_id`, the word of TAO and BURST), `score`, `visible`, `pred_iou`, `object_score_logit`, and, where objects
    share pixels, `exclusive`: the run lengths of those it keeps alone. A mask without a pixel has the box [0, 0, 0, 0].
    """

    needs_image = False

    def __init__(self, folder: Path) -> None:
        self.path = make_folder(Path(folder)) / "tracks.rle.json"
        self._images_end = len(HEAD)
        self._room = ROOM
        self._annotations = 0
        self._file = GrowingFile(self.path, HEAD + b" " * ROOM + BETWEEN, TAIL)

    def write(self, annotation: Annotation, image: np.ndarray | None = None) -> None:
        """Raises InputError when the disk refuses; the file then holds the frames before."""
        row = (b",\n" if self._file.frames else b"") + json.dumps(describe_image(annotation)).encode()
        while len(row) > self._room:
            self._make_room(4 * (self._images_end + self._room))
        described = [
            json.dumps(describe_object(self._annotations + step, annotation, object_id, each)).encode()
            for step, (object_id, each) in enumerate(annotation.objects.items(), start=1)
        ]
        lead = b",\n" if self._annotations and described else b""
        # The image goes first: a reader may meet an image without annotations, never the reverse.
        self._file.overwrite(self._images_end, row)
        try:
            self._file.append(lead + b",\n".join(described))
        except InputError:
            self._file.overwrite(self._images_end, b" " * len(row))
            raise
        self._annotations += len(described)
        self._images_end += len(row)
        self._room -= len(row)

    def _make_room(self, room: int) -> None:
        """Writes the file anew with so many blanks behind the images."""
        frames = self._file.frames
        with replacing(self.path, frames) as new, self.path.open("rb") as old:
            _copy(old, new, self._images_end)
            new.write(b" " * room)
            old.seek(self._images_end + self._room)
            copyfileobj(old, new)
        self._file.close()
        self._file = GrowingFile.reopen(self.path, TAIL, frames)
        self._room = room

    def close(self) -> None:
        try:
            self._make_room(0)
        except InputError:
            return  # the blanks stay: the file is whole with them, and a full disk was told of already
        finally:
            self._file.close()


def _copy(old: BinaryIO, new: BinaryIO, length: int) -> None:
    while length:
        part = old.read(min(length, 1 << 20))
        new.write(part)
        length -= len(part)


def describe_image(annotation: Annotation) -> dict[str, Any]:
    height, width = annotation.size
    return {
        "id": annotation.frame,
        "file_name": annotation.name,
        "width": width,
        "height": height,
        "frame": annotation.frame,
        "name": annotation.name,
        "time": number(annotation.time),
    }


def describe_object(number_: int, annotation: Annotation, object_id: int, each: ObjectAnnotation) -> dict[str, Any]:
    x0, y0, x1, y1 = each.box or (0.0, 0.0, 0.0, 0.0)
    described = {
        "id": number_,
        "image_id": annotation.frame,
        "category_id": 1,
        "object_id": object_id,
        "track_id": object_id,
        "segmentation": {"size": list(annotation.size), "counts": each.counts},
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": each.area,
        "iscrowd": 0,
        "score": number(each.score),
        "visible": bool(each.visible),
        "pred_iou": number(each.pred_iou),
        "object_score_logit": number(each.object_score_logit),
    }
    if each.exclusive is not None:
        described["exclusive"] = {"size": list(annotation.size), "counts": rle.encode(each.exclusive)}
    return described
