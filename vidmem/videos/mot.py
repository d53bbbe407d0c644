"""MOTChallenge (Leal-Taixé et al., arXiv 1504.01942; MOT16, arXiv 1603.00831; MOT20): gt.txt, a line a box."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vidmem.videos.root import Root
from vidmem.videos.truth import DetectionTruth, TrueBox
from vidmem.videos.video import Video, of_pictures

CLASSES = {  # MOT16, table 3
    1: "pedestrian",
    2: "person on vehicle",
    3: "car",
    4: "bicycle",
    5: "motorbike",
    6: "non motorized vehicle",
    7: "static person",
    8: "distractor",
    9: "occluder",
    10: "occluder on the ground",
    11: "occluder full",
    12: "reflection",
    13: "crowd",
}
PEDESTRIAN = 1


@dataclass(frozen=True)
class Mot:
    """VIDEO/seqinfo.ini, VIDEO/img1/000001.jpg and VIDEO/gt/gt.txt: frame, track, x, y, w, h, whether to score it, ...

    From MOT16 on a line ends with class and visibility: nine entries. MOT15 has ten, the last three of them places in
    the world, and only pedestrians. A box that is not to be scored has the flag "ignored".

    folder    the split's folder
    complete  False where there is no gt.txt: the test split
    """

    root: Root
    folder: str = "train"
    complete: bool = True

    def names(self) -> list[str]:
        top = self.root.folder(self.folder)
        found = [each for each in self.root.folders(top) if (top / each / "seqinfo.ini").is_file()]
        if not found:
            raise self.root.broken(top, "holds no VIDEO/seqinfo.ini")
        return found

    def video(self, name: str) -> Video:
        folder = self.root.folder(self.folder) / name
        told = self._told(folder / "seqinfo.ini")
        pictures, ending = folder / told.get("imDir", "img1"), told.get("imExt", ".jpg")
        names = tuple(f"{number:06d}" for number in range(1, int(told["seqLength"]) + 1))
        path = folder / "gt/gt.txt"
        truth = DetectionTruth(path, lambda: self._frames(path, names), CLASSES, complete=self.complete)
        return of_pictures(self.root, name, [pictures / f"{each}{ending}" for each in names], truth)

    def _told(self, path: Path) -> configparser.SectionProxy:
        read = configparser.ConfigParser(strict=False, interpolation=None)
        try:
            read.read_string(self.root.text(path), str(path))
            if read["Sequence"].getint("seqLength", 0) < 1:
                raise self.root.broken(path, "says no seqLength")
            return read["Sequence"]
        except (configparser.Error, KeyError, ValueError) as error:
            raise self.root.broken(path, f"is no [Sequence] with a seqLength ({error})") from error

    def _frames(self, path: Path, names: tuple[str, ...]) -> Mapping[str, tuple[TrueBox, ...]]:
        if not self.complete:
            return {}
        found: dict[str, list[TrueBox]] = {name: [] for name in names}
        for number, line in self.root.lines(path):
            parts = line.replace(",", " ").split()
            try:
                frame, track = int(float(parts[0])), int(float(parts[1]))
                x, y, width, height, counts = (float(part) for part in parts[2:7])
                class_id, visibility = (int(parts[7]), float(parts[8])) if len(parts) == 9 else (PEDESTRIAN, 1.0)
            except (IndexError, ValueError):
                raise self.root.broken(
                    path, f"has {line!r} in line {number}, which is no box of MOTChallenge"
                ) from None
            if f"{frame:06d}" not in found or class_id not in CLASSES:
                raise self.root.broken(
                    path, f"has frame {frame}, class {class_id} in line {number}, which are not there"
                )
            flags = frozenset() if counts else frozenset(["ignored"])
            box = (x, y, x + width, y + height)
            found[f"{frame:06d}"].append(TrueBox(class_id, track, box, flags, visibility))
        return {name: tuple(boxes) for name, boxes in found.items()}
