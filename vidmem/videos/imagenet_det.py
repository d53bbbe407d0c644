"""ImageNet DET (Russakovsky et al., arXiv 1409.0575) in the classes of VID: each picture is a video of one frame."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vidmem.errors import InputError
from vidmem.videos.imagenet_vid import CLASSES, NUMBERS
from vidmem.videos.root import Root
from vidmem.videos.truth import DetectionTruth, TrueBox
from vidmem.videos.video import Video, of_pictures


@dataclass(frozen=True)
class ImagenetDet:
    """Data/DET/SPLIT/…/NAME.JPEG and Annotations/DET/SPLIT/…/NAME.xml. x1 and y1 are the last pixels.

    list    a file of ImageSets that names pictures, of which each line's first word is read, with or without the split
            before it: DET_train_30classes.txt of FGFA. Objects of DET's other classes are passed over.
    frames, boxes   the folders of the pictures and of the XML files
    """

    root: Root
    list: str = "ImageSets/DET_train_30classes.txt"
    frames: str = "Data/DET/train"
    boxes: str = "Annotations/DET/train"

    def names(self) -> list[str]:
        return list(self._names)

    def video(self, name: str) -> Video:
        picture = self.root.path / self.frames / f"{name}.JPEG"
        notes = self.root.path / self.boxes / f"{name}.xml"
        truth = DetectionTruth(notes, lambda: self._frame(notes), CLASSES, inclusive=True)
        return of_pictures(self.root, name, [picture], truth)

    @cached_property
    def _names(self) -> dict[str, None]:
        split = self.frames.rstrip("/").rpartition("/")[2]
        firsts = (line.split()[0] for _, line in self.root.lines(self.root.file(self.list)))
        found = dict.fromkeys(each.removeprefix(f"{split}/") for each in firsts)
        if not found:
            raise self.root.broken(self.root.path / self.list, "names nothing")
        return found

    def _frame(self, path: Path) -> Mapping[str, tuple[TrueBox, ...]]:
        if not path.is_file():
            raise self.root.broken(path, "is missing")
        return {path.stem: read_known(self.root, path)}


def read_known(root: Root, path: Path) -> tuple[TrueBox, ...]:
    """The objects of one XML file that are of the thirty classes. Raises InputError for one that is cut short."""
    found = []
    try:
        for each in ElementTree.parse(path).getroot().iter("object"):
            word = each.findtext("name", "")
            if word in NUMBERS:
                x0, y0, x1, y1 = (float(each.findtext(f"bndbox/{e}", "")) for e in ("xmin", "ymin", "xmax", "ymax"))
                found.append(TrueBox(NUMBERS[word], -1, (x0, y0, x1, y1)))
    except (ElementTree.ParseError, ValueError) as error:
        broken: InputError = root.broken(path, f"cannot be read ({error})")
        raise broken from error
    return tuple(found)
