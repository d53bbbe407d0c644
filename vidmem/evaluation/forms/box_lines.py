"""One line a frame, x,y,w,h in pixels: VIDEO.txt, as LaSOT, OTB and TrackingNet want boxes; GOT-10k adds a folder."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidmem.annotation import Annotation, Box
from vidmem.errors import InputError
from vidmem.evaluation.forms import Answer
from vidmem.saving import GrowingFile, make_folder
from vidmem.videos import Video

NO_BOX = "0,0,0,0"  # a box without an extent is none to every toolkit, and a file of numbers to every server


class BoxLineWriter:
    """The box of the object that is followed, tight around its mask; beside it, if asked, the seconds of each frame."""

    needs_image = False

    def __init__(self, path: Path, times: Path | None = None) -> None:
        make_folder(path.parent)
        self._boxes = GrowingFile(path)
        self._times = GrowingFile(times) if times else None
        self._latest = time.perf_counter()

    def write(self, annotation: Annotation, image: np.ndarray | None = None) -> None:
        """Raises InputError when the disk refuses."""
        each = next(iter(annotation.objects.values()), None)
        line = NO_BOX
        if each is not None and each.visible and each.box:
            x0, y0, x1, y1 = each.box
            line = ",".join(f"{edge:g}" for edge in (x0, y0, x1 - x0, y1 - y0))
        self._boxes.append(f"{line}\n".encode())
        if self._times:
            now = time.perf_counter()
            self._times.append(f"{now - self._latest:.6f}\n".encode())
            self._latest = now

    def close(self) -> None:
        self._boxes.close()
        if self._times:
            self._times.close()


@dataclass(frozen=True)
class BoxLines:
    """VIDEO.txt."""

    shares_pixels = False

    def unit(self, video: str) -> str:
        return f"{video}.txt"

    def writer(self, folder: Path, video: Video) -> BoxLineWriter:
        return BoxLineWriter(folder / self.unit(video.name))

    def answers(self, unit: Path, video: Video) -> Answer:
        """x0 y0 x1 y1 in pixels; None where the line is no box. Raises InputError for a file that does not fit."""
        return _answers(unit, video)


@dataclass(frozen=True)
class Got10k:
    """VIDEO/VIDEO_001.txt, and VIDEO/VIDEO_time.txt with the seconds each frame took."""

    shares_pixels = False

    def unit(self, video: str) -> str:
        return video

    def writer(self, folder: Path, video: Video) -> BoxLineWriter:
        place = folder / self.unit(video.name)
        return BoxLineWriter(place / f"{video.name}_001.txt", place / f"{video.name}_time.txt")

    def answers(self, unit: Path, video: Video) -> Answer:
        """As BoxLines has it."""
        return _answers(unit / f"{video.name}_001.txt", video)


def _answers(path: Path, video: Video) -> Answer:
    rows = dict(zip(video.frame_names, read_lines(path, video), strict=True))
    return rows.get


def read_lines(path: Path, video: Video) -> list[Box | None]:
    """x0 y0 x1 y1 of each frame, None in a line that is no box. Numbers are parted by commas, tabs or blanks."""
    try:
        lines = [line for line in path.read_text().splitlines() if line.strip()]
    except FileNotFoundError as error:
        raise InputError(f"There are no results of {video.name}: {path} is missing.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}). A line is x,y,w,h.") from error
    if len(lines) != len(video):
        raise InputError(f"{path} has {len(lines)} lines, {video.name} has {len(video)} frames. Write a line a frame.")
    boxes: list[Box | None] = []
    for number, line in enumerate(lines):
        parts = line.replace(",", " ").split()
        try:
            x, y, width, height = (float(part) for part in parts)
        except ValueError as error:
            raise InputError(f"{path}, line {number + 1}: {line!r} is not x,y,w,h.") from error
        boxes.append((x, y, x + width, y + height) if width > 0 and height > 0 else None)
    return boxes
