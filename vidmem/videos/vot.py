"""VOT (Kristan et al., TPAMI 2016; VOT 2013 to 2019): one object a video, its box upright or rotated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vidmem.videos.box_lines import around, as_corners, must_match, read_flags, read_rows, unknown
from vidmem.videos.root import Root
from vidmem.videos.truth import BoxTruth
from vidmem.videos.video import Video, of_pictures


@dataclass(frozen=True)
class Vot:
    """VIDEO/groundtruth.txt: four corners (8 numbers) or x,y,w,h a frame, and pictures in one of the folders `frames`.

    list    the file that names the videos; without, they are the folders with a groundtruth.txt
    frames  where the pictures of a video lie below its folder, "." for beside the boxes; the first that is there

    What VIDEO/*.tag and *.label say of each frame (occlusion, camera_motion, ...) become flags.
    """

    root: Root
    list: str = ""
    frames: Sequence[str] = ("color", "frames", ".")

    def names(self) -> list[str]:
        if self.list:
            return self.root.names(self.root.file(self.list))
        folders = self.root.folders(self.root.path)
        found = [each for each in folders if (self.root.path / each / "groundtruth.txt").is_file()]
        if not found:
            raise self.root.broken(self.root.path, "holds no VIDEO/groundtruth.txt")
        return found

    def video(self, name: str) -> Video:
        folder = self.root.path / name
        path = folder / "groundtruth.txt"
        if self.root.text(path).startswith("m"):
            raise self.root.broken(path, "holds masks (VOT 2020 and later), not boxes")
        rows = read_rows(self.root, path, [4, 8])
        images = self.root.images(self.root.folder([f"{name}/{each}" for each in self.frames]))
        must_match(self.root, path, len(rows), len(images))
        files = sorted([*folder.glob("*.tag"), *folder.glob("*.label")])
        flags = {each.stem: read_flags(self.root, each, len(rows)) for each in files}
        is_rotated = rows.shape[1] == 8
        truth = BoxTruth(
            path,
            tuple(each.stem for each in images),
            around(rows) if is_rotated else as_corners(rows),
            unknown(rows),
            flags,
            rows if is_rotated else None,
        )
        return of_pictures(self.root, name, images, truth)
