"""A folder of images as a stream, in natural order: img2 before img10."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from vidmem.errors import DamagedSource, InputError
from vidmem.frames import OnDamage
from vidmem.frames.order import ordered, past_the_end
from vidmem.frames.pictures import SUFFIXES, from_file
from vidmem.values import Frame

NOMINAL_RATE = 24.0  # what a source without times counts as: that of DAVIS

UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow raises for broken files


class Folder:
    """Images of one size, each a frame named by the file's stem. EXIF orientation is honoured.

    paths are read in the order given. Raises InputError for two images of one stem (their results would be one file)
    and, when it is reached, for an image of another size.
    """

    seekable = True
    rate = None

    def __init__(self, paths: Sequence[Path], name: str, on_damage: OnDamage = "stop"):
        self.name, self.promised, self.skipped = name, len(paths), 0
        self._paths, self._on_damage = list(paths), on_damage
        self._first: Path | None = None  # the image that set the size
        self.size: tuple[int, int] | None = None
        stems: dict[str, Path] = {}
        for path in self._paths:
            twin = stems.setdefault(path.stem, path)
            if twin is not path:
                raise InputError(
                    f"{name} holds both {twin} and {path}: their results would have one name. Choose with a glob, for "
                    f"example '{path.parent}/*{path.suffix}'."
                )

    def __iter__(self) -> Iterator[Frame]:
        return self._forward(0, None, 1)

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        if start > len(self._paths) or (step < 0 and start == len(self._paths)):
            raise past_the_end(self.name, len(self._paths), start)
        return ordered(self._forward, start, stop, step, self.size)

    def close(self) -> None:
        """Nothing stays open between images."""

    def _forward(self, start: int, stop: int | None, step: int) -> Iterator[Frame]:
        self.skipped = 0
        for number in range(len(self._paths))[start:stop:step]:
            path = self._paths[number]
            try:
                image = from_file(path)
            except UNREADABLE as error:
                if self._on_damage == "stop":
                    raise DamagedSource(self.name, number, self.promised, f"{path.name}: {error}") from error
                self.skipped += 1
                continue
            size = (image.shape[1], image.shape[2])
            if self.size is None:
                self.size, self._first = size, path
            elif size != self.size:
                (height, width), first = self.size, self._first
                raise InputError(
                    f"{self.name} mixes sizes: {first and first.name} is {width}x{height}, {path.name} is "
                    f"{size[1]}x{size[0]}. Resize them to one size, or track each size on its own with a glob."
                )
            yield Frame(number, image, number / NOMINAL_RATE, path.stem)


def images_in(folder: str | os.PathLike[str]) -> list[Path]:
    """The images of a folder in natural order. Raises InputError when it has none."""
    folder = Path(folder)
    try:
        inside = [p for p in folder.iterdir() if not p.name.startswith(".")]
    except OSError as error:
        raise InputError(f"{folder} cannot be listed ({error.strerror}). Check its permissions.") from error
    images = sorted((p for p in inside if p.suffix.lower() in SUFFIXES and p.is_file()), key=natural)
    if not images:
        below = sorted(p.name for p in inside if p.is_dir())
        has = f"It has the folders {', '.join(below[:3])}: name one of them. " if below else ""
        raise InputError(f"{folder} holds no images. {has}Images are files such as .jpg, .png, .bmp, .webp or .tif.")
    return images


def natural(path: Path) -> list[tuple[int, int, str]]:
    """A sort key that reads runs of digits as numbers and puts numbers before letters."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts if part] + [(2, 0, path.name)]
