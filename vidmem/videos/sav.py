"""SA-V val and test (Ravi et al., arXiv 2408.00714): 24 frames a second, every fourth annotated, a folder an object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from vidmem.errors import InputError
from vidmem.masks import read_indices
from vidmem.videos.root import Root
from vidmem.videos.truth import MaskTruth, TrueObject, flattened
from vidmem.videos.video import Video, of_pictures


@dataclass(frozen=True)
class Sav:
    """Videos of one split, named by the list file. Objects may overlap, since each has mask files of its own."""

    root: Root
    folder: str = "sav_val"
    list: str = "sav_val/sav_val.txt"
    frames: str = "JPEGImages_24fps"
    masks: str = "Annotations_6fps"

    def names(self) -> list[str]:
        return self.root.names(self.root.file(self.list))

    def video(self, name: str) -> Video:
        folder = self.root.folder(self.folder)
        images = self.root.images(folder / self.frames / name)
        store = ObjectFolders(self.root, folder / self.masks / name)
        return of_pictures(self.root, name, images, MaskTruth(store, store.objects))


@dataclass(frozen=True, eq=False)
class ObjectFolders:
    """Masks as one black and white picture an object and frame: OBJECT/NAME.png, the object where it is above 0.

    The folders are numbered from 000, so an object's id is its folder's number plus 1: 0 is the background everywhere.
    """

    root: Root
    folder: Path

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise self.root.broken(self.folder, "is missing")

    @cached_property
    def files(self) -> Mapping[int, Mapping[str, Path]]:
        """object id -> name of an annotated frame -> its file."""
        found = {}
        for each in self.root.folders(self.folder):
            if not each.isdecimal():
                raise self.root.broken(self.folder / each, "is no object: their folders are numbered, 000 and up")
            found[int(each) + 1] = {path.stem: path for path in self.root.images(self.folder / each)}
        return found

    @property
    def annotated(self) -> tuple[str, ...]:
        return self._annotated

    @cached_property
    def _annotated(self) -> tuple[str, ...]:
        return tuple(sorted({name for files in self.files.values() for name in files}))

    def place(self, name: str) -> Path:
        return self.folder

    def labels(self, name: str) -> np.ndarray | None:
        masks = self.masks(name)
        return None if masks is None else flattened(masks)

    def masks(self, name: str) -> Mapping[int, np.ndarray] | None:
        here = {object_id: files[name] for object_id, files in self.files.items() if name in files}
        return {object_id: self._mask(path) for object_id, path in here.items()} or None

    def objects(self) -> dict[int, TrueObject]:
        """Each object from its first mask that is not empty; one whose masks are all empty is no object."""
        found = {}
        for object_id, files in self.files.items():
            begins = next((name for name, path in files.items() if self._mask(path).any()), None)
            if begins is not None:
                stored_as = next(iter(files.values())).parent.name
                found[object_id] = TrueObject(object_id, begins, stored_as=stored_as)
        return found

    def _mask(self, path: Path) -> np.ndarray:
        try:
            return read_indices(path) > 0
        except InputError as error:
            raise self.root.broken(path, f"cannot be used ({error})") from error
