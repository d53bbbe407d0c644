"""LVOS 1 and 2 (Hong et al., arXiv 2211.10181 and 2404.19326): DAVIS folders, and a range of frames for each object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vidmem.videos.label_images import LabelImages
from vidmem.videos.root import Root
from vidmem.videos.truth import MaskTruth, TrueObject
from vidmem.videos.video import Video, of_pictures


@dataclass(frozen=True)
class Lvos:
    """Videos of one split.

    folder      the split's folder, of several the first that is there: JPEGImages, Annotations and `meta` in it
    meta        the file of the objects and their ranges
    unseen      the videos whose objects are of kinds that the training split does not have; without, it is not known
    step        frames from one annotation to the next
    digits      of a frame's name
    complete    False where only the first mask of each object is public
    """

    root: Root
    folder: str | Sequence[str] = "valid"
    meta: str = "valid_meta.json"
    unseen: Sequence[str] = ()
    step: int = 5
    digits: int = 8
    complete: bool = True

    def names(self) -> list[str]:
        return sorted(self._meta)

    def video(self, name: str) -> Video:
        folder = self.root.folder(self.folder)
        images = self.root.images(folder / "JPEGImages" / name)
        store = LabelImages(self.root, folder / "Annotations" / name, background=(255,))
        truth = MaskTruth(store, lambda: self._objects(name), complete=self.complete)
        return of_pictures(self.root, name, images, truth)

    @property
    def _file(self) -> Path:
        return self.root.folder(self.folder) / self.meta

    @cached_property
    def _meta(self) -> dict[str, Any]:
        return self.root.json(self._file, videos=dict)["videos"]

    def _objects(self, name: str) -> dict[int, TrueObject]:
        """As the meta file has them: an object is scored in range(start, end, step), and begins with the first."""
        found = {}
        try:
            for object_id, each in self._meta[name]["objects"].items():
                start, end = (int(each["frame_range"][word]) for word in ("start", "end"))
                frames = tuple(f"{number:0{self.digits}d}" for number in range(start, end, self.step))
                unseen = name in self.unseen if self.unseen else None
                found[int(object_id)] = TrueObject(int(object_id), frames[0], frames, unseen=unseen)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            raise self.root.broken(self._file, f"has no objects with a frame_range for {name} ({error!r})") from error
        return dict(sorted(found.items()))
