"""One PNG for each object and frame: objects/ID/NAME.png, 255 on the object and 0 off it. Overlap is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from vidmem.annotation import Annotation
from vidmem.saving import make_folder, place, replacing


class ObjectMasks:
    """A frame in which an object is followed but not seen has an empty mask; before it was prompted it has none.

    Only PNGs of the same names are replaced: nothing else in the folder is touched.
    """

    needs_image = False

    def __init__(self, folder: Path, inside: str = "objects", names: Mapping[int, str] | None = None) -> None:
        """names: what the folder of an object is called where that is not its id."""
        self.folder, self.names = make_folder(Path(folder) / inside), names or {}
        self.frames = 0

    def write(self, annotation: Annotation, image: np.ndarray | None = None) -> None:
        """Raises InputError when the disk refuses."""
        for object_id, each in annotation.objects.items():
            path = place(self.folder / self.names.get(object_id, str(object_id)), annotation.name, ".png")
            make_folder(path.parent)
            with replacing(path, self.frames) as file:
                Image.fromarray(np.multiply(each.mask, 255, dtype=np.uint8)).save(file, "PNG", compress_level=3)
        self.frames += 1

    def close(self) -> None: ...
