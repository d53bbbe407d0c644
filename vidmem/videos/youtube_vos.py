"""YouTube-VOS 2018 and 2019 (Xu et al., arXiv 1809.03327): DAVIS folders, meta.json, objects that enter late."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vidmem.videos.label_images import LabelImages
from vidmem.videos.root import Root
from vidmem.videos.truth import MaskTruth, TrueObject
from vidmem.videos.video import Video, of_pictures


@dataclass(frozen=True)
class YoutubeVos:
    """Videos of one split. Masks are stored for every fifth frame, or, where truth is kept back, where objects begin.

    folder    the split's folder: Annotations/VIDEO/*.png and meta.json in it
    frames    folder of the folders of frames, all or every fifth: scores differ. Without, JPEGImages in `folder`.
    seen_in   meta.json of the training split: objects of a category it does not have are unseen. Where the file is
              not there, or a category not told, `unseen` stays None.
    complete  False where scores come from the server
    """

    root: Root
    folder: str = "valid"
    frames: str = ""
    seen_in: str = ""
    complete: bool = True

    def names(self) -> list[str]:
        return list(self._meta)

    def video(self, name: str) -> Video:
        images = self.root.images(self.root.folder(self.frames or f"{self.folder}/JPEGImages") / name)
        store = LabelImages(self.root, self.root.folder(f"{self.folder}/Annotations") / name)
        truth = MaskTruth(store, lambda: self._objects(name), complete=self.complete)
        return of_pictures(self.root, name, images, truth)

    @property
    def _file(self) -> Path:
        return self.root.path / self.folder / "meta.json"

    @cached_property
    def _meta(self) -> dict[str, Any]:
        return self.root.json(self._file, videos=dict)["videos"]

    @cached_property
    def _seen(self) -> frozenset[str]:
        path = self.root.path / self.seen_in
        if not self.seen_in or not path.is_file():
            return frozenset()
        videos = self.root.json(path, videos=dict)["videos"].values()
        return frozenset(each.get("category", "") for video in videos for each in video["objects"].values())

    def _objects(self, name: str) -> dict[int, TrueObject]:
        """As meta.json has them: each object's category and the frames it is annotated in."""
        found = {}
        try:
            for object_id, each in self._meta[name]["objects"].items():
                category, frames = each.get("category", ""), tuple(each["frames"])
                unseen = category not in self._seen if self._seen and category else None
                found[int(object_id)] = TrueObject(int(object_id), frames[0], frames, category, unseen)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            raise self.root.broken(self._file, f"has no objects with frames for {name} ({error!r})") from error
        return dict(sorted(found.items()))
