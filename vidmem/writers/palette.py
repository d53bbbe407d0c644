"""Index PNGs as DAVIS has them: masks/NAME.png, one a frame, at the source's size, each pixel its object's id."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from vidmem.annotation import Annotation
from vidmem.errors import InputError
from vidmem.palette import davis_palette
from vidmem.saving import make_folder, place, replacing


class PaletteMasks:
    """Every pixel has one id, so a shared pixel goes to the surest object; `object-png` and `rle` keep both.

    A palette has 255 colours. A frame with a higher id is written in 16-bit grey instead, the value still the id, and
    a warning says so once. Only PNGs of the same names are replaced: nothing else in the folder is touched.
    """

    needs_image = False

    def __init__(self, folder: Path, inside: str = "masks") -> None:
        self.folder = make_folder(Path(folder) / inside)
        self.frames = 0
        self._warned = False

    def write(self, annotation: Annotation, image: np.ndarray | None = None) -> None:
        """Raises InputError for an id that no PNG can hold, and when the disk refuses."""
        highest, lowest = max(annotation.objects, default=0), min(annotation.objects, default=1)
        if lowest < 1 or highest > 65535:
            wrong = lowest if lowest < 1 else highest
            raise InputError(
                f"Object {wrong} in frame {annotation.frame} cannot be written to an index PNG, which holds ids from 1 "
                "to 65535. Rename it (ID@ before its prompt), or write --formats object-png,rle instead."
            )
        path = place(self.folder, annotation.name, ".png")
        if highest > 255:
            self._warn(highest, path)
            picture = Image.fromarray(annotation.labels().astype(np.uint16))
        else:
            picture = Image.fromarray(annotation.labels().astype(np.uint8))
            picture.putpalette(davis_palette().tobytes())
        make_folder(path.parent)
        with replacing(path, self.frames) as file:
            picture.save(file, "PNG", compress_level=3)
        self.frames += 1

    def _warn(self, highest: int, path: Path) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"Object {highest} is beyond the 255 colours of a palette: {path} and the other frames with such ids "
                "are 16-bit grey PNGs, whose values are the ids.",
                stacklevel=3,
            )

    def close(self) -> None: ...
