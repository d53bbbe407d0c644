"""LaSOT and its extension (Fan et al., arXiv 1809.07845 and 2009.03465): one object a video, and where it is hidden."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vidmem.videos.box_lines import as_corners, must_match, read_flags, read_rows
from vidmem.videos.root import Root
from vidmem.videos.truth import BoxTruth
from vidmem.videos.video import Video, of_pictures

FLAGS = ("full_occlusion", "out_of_view")  # either makes the object absent


@dataclass(frozen=True)
class Lasot:
    """CLASS/CLASS-N/img/*.jpg, groundtruth.txt (x,y,w,h a frame), full_occlusion.txt and out_of_view.txt.

    list    the file that names the videos; without, they are all there are
    folder  the folder of the classes
    """

    root: Root
    list: str = ""
    folder: str = "."

    def names(self) -> list[str]:
        if self.list:
            return self.root.names(self.root.file(self.list))
        from vidmem.frames.folder import natural

        top = self.root.folder(self.folder)
        found = [each.parent for each in top.glob("*/*/groundtruth.txt")]
        if not found:
            raise self.root.broken(top, "holds no CLASS/CLASS-N/groundtruth.txt")
        return [each.name for each in sorted(found, key=natural)]

    def video(self, name: str) -> Video:
        folder: Path = self.root.folder(self.folder) / _class_of(name) / name
        images = self.root.images(folder / "img")
        path = folder / "groundtruth.txt"
        boxes = as_corners(read_rows(self.root, path, [4]))
        must_match(self.root, path, len(boxes), len(images))
        flags = {each: read_flags(self.root, folder / f"{each}.txt", len(boxes)) for each in FLAGS}
        absent = (flags["full_occlusion"] > 0) | (flags["out_of_view"] > 0)
        names = tuple(each.stem for each in images)
        return of_pictures(
            self.root, name, images, BoxTruth(path, names, boxes, absent, flags, category=_class_of(name))
        )


def _class_of(name: str) -> str:
    return name.rpartition("-")[0]
