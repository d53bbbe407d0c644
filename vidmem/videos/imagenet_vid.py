"""ImageNet VID (Russakovsky et al., arXiv 1409.0575; VID 2015): an XML file a frame, thirty classes."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vidmem.videos.root import Root
from vidmem.videos.truth import DetectionTruth, TrueBox
from vidmem.videos.video import Video, of_pictures

# WordNet ids in the order of the names, which numbers the classes 1 to 30 everywhere (FGFA, MEGA, mmtracking).
WORDNET = {
    "n02691156": "airplane",
    "n02419796": "antelope",
    "n02131653": "bear",
    "n02834778": "bicycle",
    "n01503061": "bird",
    "n02924116": "bus",
    "n02958343": "car",
    "n02402425": "cattle",
    "n02084071": "dog",
    "n02121808": "domestic_cat",
    "n02503517": "elephant",
    "n02118333": "fox",
    "n02510455": "giant_panda",
    "n02342885": "hamster",
    "n02374451": "horse",
    "n02129165": "lion",
    "n01674464": "lizard",
    "n02484322": "monkey",
    "n03790512": "motorcycle",
    "n02324045": "rabbit",
    "n02509815": "red_panda",
    "n02411705": "sheep",
    "n01726692": "snake",
    "n02355227": "squirrel",
    "n02129604": "tiger",
    "n04468005": "train",
    "n01662784": "turtle",
    "n04530566": "watercraft",
    "n02062744": "whale",
    "n02391049": "zebra",
}
CLASSES = {number: name for number, name in enumerate(WORDNET.values(), 1)}
NUMBERS = {word: number for number, word in enumerate(WORDNET, 1)}


@dataclass(frozen=True)
class ImagenetVid:
    """Data/VID/SPLIT/VIDEO/000000.JPEG and Annotations/VID/SPLIT/VIDEO/000000.xml. x1 and y1 are the last pixels.

    list    a file of ImageSets/VID that names frames (val.txt) or videos (train_1.txt); only each line's first word
            is read. Without, the videos are the folders of `boxes`, or the folders in them.
    frames, boxes   the folders of the folders of pictures and of XML files
    complete        False where no boxes are public: the test split
    """

    root: Root
    list: str = ""
    frames: str = "Data/VID/val"
    boxes: str = "Annotations/VID/val"
    complete: bool = True

    def names(self) -> list[str]:
        return list(self._names)

    def video(self, name: str) -> Video:
        images = self.root.images(self.root.folder(self.frames) / name)
        folder = self.root.path / self.boxes / name
        if self.complete and not folder.is_dir():
            raise self.root.broken(folder, "is missing")
        truth = DetectionTruth(folder, lambda: self._frames(folder), CLASSES, inclusive=True, complete=self.complete)
        return of_pictures(self.root, name, images, truth)

    @cached_property
    def _names(self) -> dict[str, None]:
        if not self.list:
            return dict.fromkeys(self._found())
        firsts = (line.split()[0] for _, line in self.root.lines(self.root.file(self.list)))
        parts = (first.rpartition("/") for first in firsts)
        found = dict.fromkeys(
            above if above and last.isdecimal() else f"{above}/{last}".lstrip("/") for above, _, last in parts
        )
        if not found:
            raise self.root.broken(self.root.path / self.list, "names nothing")
        return found

    def _found(self) -> Iterator[str]:
        top = self.root.folder(self.boxes if self.complete else self.frames)
        for name in self.root.folders(top):
            parts = sorted(each.name for each in (top / name).iterdir() if each.is_dir())  # as in the training split
            yield from (f"{name}/{part}" for part in parts) if parts else [name]

    def _frames(self, folder: Path) -> Mapping[str, tuple[TrueBox, ...]]:
        if not self.complete:
            return {}
        return {path.stem: read_objects(self.root, path) for path in sorted(folder.glob("*.xml"))}


def read_objects(root: Root, path: Path) -> tuple[TrueBox, ...]:
    """The objects of one XML file. Raises BrokenDataset for one that is cut short or lacks an entry."""
    found = []
    try:
        for each in ElementTree.parse(path).getroot().iter("object"):
            said = {word: each.findtext(word, "") for word in ("name", "trackid", "occluded", "generated")}
            x0, y0, x1, y1 = (float(each.findtext(f"bndbox/{word}", "")) for word in ("xmin", "ymin", "xmax", "ymax"))
            flags = frozenset(word for word in ("occluded", "generated") if said[word] == "1")
            found.append(TrueBox(NUMBERS[said["name"]], int(said["trackid"]), (x0, y0, x1, y1), flags))
    except ElementTree.ParseError as error:
        raise root.broken(path, f"is no XML ({error})") from error
    except KeyError as error:
        raise root.broken(path, f"names the class {error}, which is none of the thirty of VID") from error
    except ValueError as error:
        raise root.broken(path, f"has an object without a number for its track or box ({error})") from error
    return tuple(found)
