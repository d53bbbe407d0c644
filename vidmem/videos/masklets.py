"""SA-V train (Ravi et al., arXiv 2408.00714): VIDEO.mp4, and VIDEO_manual.json or VIDEO_auto.json with run lengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidmem import rle
from vidmem.videos.root import Root
from vidmem.videos.truth import MaskTruth, TrueObject, flattened
from vidmem.videos.video import Video

if TYPE_CHECKING:
    from vidmem.frames import Source


@dataclass(frozen=True)
class Masklets:
    """Videos with a JSON file of one kind, "manual" or "auto", in any folder below the root; the MP4 lies beside it."""

    root: Root
    kind: str = "manual"
    step: int = 4  # frames from one annotation to the next: 24 and 6 a second (sav_dataset/README.md of SAM 2)

    def names(self) -> list[str]:
        return sorted(self._files)

    def video(self, name: str) -> Video:
        path = self._files[name]
        store = RunLengths(self.root, path, self.step)
        names = tuple(f"{number:05d}" for number in range(store.frame_count))

        def open_frames() -> Source:
            from vidmem.frames import watch

            film = path.with_name(f"{name}.mp4")
            if not film.is_file():
                raise self.root.broken(film, "is missing")
            return watch(film)

        return Video(name, names, MaskTruth(store, store.objects), open_frames)

    @cached_property
    def _files(self) -> dict[str, Path]:
        ending = f"_{self.kind}"
        found = {path.stem.removesuffix(ending): path for path in self.root.path.rglob(f"*{ending}.json")}
        if not found:
            raise self.root.broken(self.root.path, f"holds no file that ends in {ending}.json")
        return found


@dataclass(frozen=True, eq=False)
class RunLengths:
    """The masklets of a JSON file: COCO run lengths for every object in every `step`-th frame.

    Masklets are numbered from 0, so an object's id is its masklet's plus 1: 0 is the background everywhere.
    """

    root: Root
    path: Path
    step: int

    @cached_property
    def said(self) -> dict[str, Any]:
        said = self.root.json(self.path, masklet=list, masklet_id=list)
        count = len(said["masklet_id"])
        wrong = next((row for row, each in enumerate(said["masklet"]) if len(each) != count), None)
        if wrong is not None or not isinstance(said.get("video_frame_count"), (int, float)):
            reason = "has no video_frame_count" if wrong is None else f"has not {count} masklets in its frame {wrong}"
            raise self.root.broken(self.path, reason)
        return said

    @property
    def frame_count(self) -> int:
        return int(self.said["video_frame_count"])

    @property
    def annotated(self) -> tuple[str, ...]:
        return tuple(self._rows)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {f"{row * self.step:05d}": row for row in range(len(self.said["masklet"]))}

    @cached_property
    def _columns(self) -> dict[int, int]:
        return {int(each) + 1: column for column, each in enumerate(self.said["masklet_id"])}

    def place(self, name: str) -> Path:
        return self.path

    def labels(self, name: str) -> np.ndarray | None:
        masks = self.masks(name)
        return None if masks is None else flattened(masks)

    def masks(self, name: str) -> Mapping[int, np.ndarray] | None:
        row = self._rows.get(name)
        if row is None:
            return None
        return {object_id: self._mask(row, column) for object_id, column in self._columns.items()} or None

    def objects(self) -> dict[int, TrueObject]:
        """Each object from its first mask that is not empty; one whose masks are all empty is no object."""
        found = {}
        for object_id, column in sorted(self._columns.items()):
            begins = next((name for name, row in self._rows.items() if self._mask(row, column).any()), None)
            if begins is not None:
                found[object_id] = TrueObject(object_id, begins, stored_as=f"{object_id - 1:03d}")
        return found

    def _mask(self, row: int, column: int) -> np.ndarray:
        each = self.said["masklet"][row][column]
        try:
            height, width = each["size"]
            return rle.decode(each["counts"], (height, width))
        except (KeyError, TypeError, ValueError) as error:
            raise self.root.broken(
                self.path, f"has no run lengths in frame {row}, masklet {column} ({error!r})"
            ) from error
