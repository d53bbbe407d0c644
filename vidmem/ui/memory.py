"""What is remembered of an object: each entry with its picture and why it is kept, and what it all weighs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from vidmem import states
from vidmem.annotation import Annotation
from vidmem.emission import State
from vidmem.errors import VidmemError
from vidmem.memory_account import account
from vidmem.ui.picture import pixels, thumbnail
from vidmem.ui.reel import Reel
from vidmem.ui.shelf import Shelf
from vidmem.ui.work import Work, rgb
from vidmem.values import Frame

MOST = 400  # thumbnails that are held
READ_AT_ONCE = 6  # that are not held and are read from the video for one answer


class Thumbnails:
    """(object, frame) -> its small picture. Those used least lately are forgotten and drawn anew."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[int, int], str] = OrderedDict()
        self._lock = threading.Lock()  # a pass puts in what the page takes out

    def add(self, work: Work, frame: Frame, annotation: Annotation) -> None:
        """Draws those of all objects in a frame."""
        picture = pixels(frame)
        for object_id, each in annotation.objects.items():
            self._put((object_id, frame.index), thumbnail(picture, each, rgb(work.look(object_id).colour)))

    def get(self, object_id: int, frame: int) -> str | None:
        with self._lock:
            found = self._held.get((object_id, frame))
            if found:
                self._held.move_to_end((object_id, frame))
        return found

    def _put(self, key: tuple[int, int], picture: str) -> None:
        with self._lock:
            self._held[key] = picture
            self._held.move_to_end(key)
            while len(self._held) > MOST:
                self._held.popitem(last=False)


def remembered(work: Work, state: State | None, object_id: int, frame: int) -> dict[str, Any] | None:
    """Kinds, ages, weights and bytes of what the next frame attends of an object. None: nothing yet."""
    if not state or object_id not in state:
        return None
    held = account({object_id: state[object_id]}, work.session.tracker.bank)[object_id]
    return {
        "bytes": states.nbytes(state),
        "object_bytes": states.nbytes(state[object_id]),
        "entries": [
            {
                "kind": each.kind,
                "frame": each.frame,
                "age": frame + 1 - each.frame,
                "why": each.why,
                "weight": round(each.weight, 3),
                "belief": round(each.pred_iou, 3),
                "bytes": each.nbytes,
            }
            for each in sorted(held, key=lambda each: (each.kind == "pointer", each.frame))
        ],
    }


def with_pictures(
    memory: dict[str, Any], object_id: int, thumbnails: Thumbnails, work: Work, reel: Reel | None, shelf: Shelf
) -> dict[str, Any]:
    """The same with a thumbnail for each page; those not at hand are read from the video, a few at a time."""
    left = READ_AT_ONCE if reel else 0
    for each in memory["entries"]:
        if each["kind"] == "pointer":
            continue
        found = thumbnails.get(object_id, each["frame"])
        if found is None and left and reel is not None:
            left -= 1
            try:
                frame = reel.at(each["frame"])
                thumbnails.add(work, frame, shelf.get(work.results, each["frame"]))
            except VidmemError:  # a picture less, no reason to fail
                continue
            found = thumbnails.get(object_id, each["frame"])
        each["picture"] = found
    return memory
