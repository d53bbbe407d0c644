"""What is true of a video: masks, the boxes of one object, or the boxes of every object of known classes.

Frames are named as the data set names them: by the stem of the image file, or, in a video file, by the frame's number
with five digits. That is Frame.name, and what result files are called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from vidmem.videos.root import Root


@dataclass(frozen=True)
class TrueObject:
    """One object of a video that is annotated with masks."""

    object_id: int  # 1 and up
    begins: str  # the frame of its first mask, in which a semi-supervised tracker is told of it
    scored: tuple[str, ...] | None = (
        None  # frames it is scored in where the data set says so (LVOS), first and last too
    )
    category: str = ""
    unseen: bool | None = None  # whether its kind is absent from the data set's training split, where it is known
    stored_as: str = ""  # its name on the disk where that is not its id: "000" of SA-V


class MaskStore(Protocol):
    """Where masks come from. Frames by name; everything is read when it is asked for, and not kept."""

    @property
    def root(self) -> Root: ...  # of the data set, for messages

    @property
    def annotated(self) -> tuple[str, ...]: ...  # names of the frames that have a mask file, in order

    def place(self, name: str) -> Path:
        """The file or folder that says what is true of a frame, for messages."""
        ...

    def labels(self, name: str) -> np.ndarray | None:
        """(H, W) int32 object ids, the void value as it is; None where the frame is not annotated."""
        ...

    def masks(self, name: str) -> Mapping[int, np.ndarray] | None:
        """object id -> (H, W) bool, also of objects that are annotated as absent; None as above."""
        ...


@dataclass(frozen=True, eq=False)
class MaskTruth:
    """Masks of one or more objects, in some frames or in all."""

    store: MaskStore
    find_objects: Callable[[], Mapping[int, TrueObject]]
    void: int | None = None  # the label of pixels that count for nothing
    complete: bool = True  # False where only what a tracker is told is public, and scores come from a server

    @cached_property
    def objects(self) -> Mapping[int, TrueObject]:
        """object id -> what is known of it. The first question may read masks: every one, where objects enter late."""
        return self.find_objects()

    @property
    def annotated(self) -> tuple[str, ...]:
        """The names of annotated frames, in order."""
        return self.store.annotated

    @cached_property
    def size(self) -> tuple[int, int]:
        """(H, W) at which masks are stored, by the first of them."""
        labels = self.labels(self.annotated[0])
        assert labels is not None  # it is annotated
        return labels.shape[0], labels.shape[1]

    def labels(self, name: str) -> np.ndarray | None:
        """(H, W) int32: the object id of each pixel, 0 for none, `void` where it counts for nothing.

        None where the frame is not annotated. Where objects overlap (SA-V) the highest id is on top: use `masks`.
        """
        return self.store.labels(name)

    def masks(self, name: str) -> dict[int, np.ndarray] | None:
        """object id -> (H, W) bool of the objects of `objects`; None where the frame is not annotated.

        An object that has not begun, or is not in sight, has an empty mask. Where each object has files of its own
        (SA-V), one that is not annotated in this frame is left out.
        """
        found = self.store.masks(name)
        return None if found is None else {each: found[each] for each in self.objects if each in found}


@dataclass(frozen=True, eq=False)
class BoxTruth:
    """One object's box in every frame.

    Numbers are the data set's own: x, y, w, h become x, y, x+w, y+h, with nothing rounded or shifted.
    """

    path: Path  # the file they are read from
    names: tuple[str, ...]  # of the N annotated frames, in order
    boxes: np.ndarray  # (N, 4) float64 x0 y0 x1 y1 in pixels; NaN where the file says so
    absent: np.ndarray  # (N,) bool: out of sight
    flags: Mapping[str, np.ndarray] = field(
        default_factory=dict
    )  # name -> (N,): full_occlusion, out_of_view, cover, ...
    polygons: np.ndarray | None = None  # (N, 8) x y of the corners of a rotated box (VOT); `boxes` then bound them
    inclusive: bool = False  # whether x1 and y1 are the last pixels (TLD), so that the box ends one further
    category: str = ""
    complete: bool = True  # False where only the first box is public

    def box(self, name: str) -> tuple[float, float, float, float] | None:
        """x0 y0 x1 y1 as stored; None where the object is absent or the frame is not annotated."""
        row = self._rows.get(name)
        if row is None or self.absent[row]:
            return None
        x0, y0, x1, y1 = self.boxes[row].tolist()
        return x0, y0, x1, y1

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names)}


@dataclass(frozen=True)
class TrueBox:
    """One object in one frame."""

    class_id: int
    track_id: int
    box: tuple[float, float, float, float]  # x0 y0 x1 y1 in pixels, as BoxTruth has them
    flags: frozenset[str] = frozenset()  # occluded, generated (VID); ignored (MOT: not to be scored); crowd (COCO)
    visibility: float = 1.0  # the share that is in sight, where the data set says it (MOT)


@dataclass(frozen=True, eq=False)
class DetectionTruth:
    """Every object of known classes, frame by frame."""

    path: Path  # the file or folder they are read from
    read_frames: Callable[[], Mapping[str, tuple[TrueBox, ...]]]
    classes: Mapping[int, str]  # class id -> its name
    inclusive: bool = False  # as in BoxTruth: ImageNet VID's XML
    complete: bool = True

    @cached_property
    def frames(self) -> Mapping[str, tuple[TrueBox, ...]]:
        """Name of an annotated frame -> its objects, perhaps none. The first question reads the annotations."""
        return self.read_frames()

    def boxes(self, name: str) -> tuple[TrueBox, ...] | None:
        """The objects of a frame; None where it is not annotated."""
        return self.frames.get(name)


def flattened(masks: Mapping[int, np.ndarray]) -> np.ndarray:
    """(H, W) int32 labels of masks that may overlap; the highest id is on top. masks: one or more, (H, W) bool."""
    labels = np.zeros(next(iter(masks.values())).shape, np.int32)
    for object_id in sorted(masks):
        labels[masks[object_id]] = object_id
    return labels


Truth = MaskTruth | BoxTruth | DetectionTruth
