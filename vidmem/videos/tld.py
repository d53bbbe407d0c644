"""TLD (Kalal et al., TPAMI 2012): one object a video file, NaN where it is not to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vidmem.videos.box_lines import read_rows, unknown
from vidmem.videos.root import Root
from vidmem.videos.truth import BoxTruth
from vidmem.videos.video import Video

if TYPE_CHECKING:
    from vidmem.frames import Source


@dataclass(frozen=True)
class Tld:
    """VIDEO/video.mpg and VIDEO/gt.txt: x1,y1,x2,y2 a frame, the last pixel included, NaN where the object is absent.

    film, boxes   the names of the two files
    """

    root: Root
    film: str = "video.mpg"
    boxes: str = "gt.txt"

    def names(self) -> list[str]:
        found = [each for each in self.root.folders(self.root.path) if (self.root.path / each / self.boxes).is_file()]
        if not found:
            raise self.root.broken(self.root.path, f"holds no VIDEO/{self.boxes}")
        return found

    def video(self, name: str) -> Video:
        folder = self.root.path / name
        boxes = read_rows(self.root, folder / self.boxes, [4])
        film = folder / self.film
        if not film.is_file():
            raise self.root.broken(film, "is missing")
        names = tuple(f"{number:05d}" for number in range(len(boxes)))

        def open_frames() -> Source:
            from vidmem.frames import watch

            return watch(film)

        truth = BoxTruth(folder / self.boxes, names, boxes, unknown(boxes), inclusive=True)
        return Video(name, names, truth, open_frames)
