"""GOT-10k (Huang et al., arXiv 1810.11981): one object a video, pictures and boxes in one folder."""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidmem.videos.box_lines import as_corners, must_match, read_flags, read_rows
from vidmem.videos.root import Root
from vidmem.videos.truth import BoxTruth
from vidmem.videos.video import Video, of_pictures

FLAGS = ("absence", "cover", "cut_by_image")  # cover: 0 hidden .. 8 in full sight


@dataclass(frozen=True)
class Got10k:
    """SPLIT/VIDEO/*.jpg, groundtruth.txt (x,y,w,h a frame), absence.label, cover.label, cut_by_image.label.

    folder    the split's folder, with list.txt
    complete  False where only the first box is public: the test split
    """

    root: Root
    folder: str = "val"
    complete: bool = True

    def names(self) -> list[str]:
        return self.root.names(self.root.file(f"{self.folder}/list.txt"))

    def video(self, name: str) -> Video:
        folder = self.root.folder(self.folder) / name
        images = self.root.images(folder)
        path = folder / "groundtruth.txt"
        boxes = as_corners(read_rows(self.root, path, [4]))
        names = tuple(each.stem for each in images)
        if not self.complete:
            truth = BoxTruth(
                path, names[:1], boxes[:1], np.zeros(1, bool), category=self._category(folder), complete=False
            )
            return of_pictures(self.root, name, images, truth)
        must_match(self.root, path, len(boxes), len(images))
        flags = {each: read_flags(self.root, folder / f"{each}.label", len(boxes)) for each in FLAGS}
        truth = BoxTruth(path, names, boxes, flags["absence"] > 0, flags, category=self._category(folder))
        return of_pictures(self.root, name, images, truth)

    def _category(self, folder: Path) -> str:
        """What meta_info.ini says the object is; "" where there is none."""
        path = folder / "meta_info.ini"
        if not path.is_file():
            return ""
        told = configparser.ConfigParser(strict=False, interpolation=None)
        try:
            told.read_string(self.root.text(path), str(path))
        except configparser.Error as error:
            raise self.root.broken(path, f"is no INI file ({error})") from error
        return told.get("METAINFO", "object_class", fallback="")
