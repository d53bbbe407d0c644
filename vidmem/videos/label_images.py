"""Masks as one index picture a frame: NAME.png, whose pixels are object ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from vidmem.errors import InputError
from vidmem.masks import read_indices, read_labels
from vidmem.videos.root import Root
from vidmem.videos.truth import TrueObject


@dataclass(frozen=True, eq=False)
class LabelImages:
    """The mask pictures of a folder.

    merge       every object is one, id 1: DAVIS 2016
    background  values that stand for no object
    void        the value of pixels that count for nothing; it is no object

    Where neither background nor void is named, a picture of 0 and 255 alone shows one object, 1.
    """

    root: Root
    folder: Path
    merge: bool = False
    background: tuple[int, ...] = ()
    void: int | None = None

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise self.root.broken(self.folder, "is missing")

    @cached_property
    def files(self) -> Mapping[str, Path]:
        """name of an annotated frame -> its file, in the order of frames."""
        return {path.stem: path for path in self.root.images(self.folder)}

    @property
    def annotated(self) -> tuple[str, ...]:
        return tuple(self.files)

    def place(self, name: str) -> Path:
        return self.files.get(name, self.folder / f"{name}.png")

    def labels(self, name: str) -> np.ndarray | None:
        path = self.files.get(name)
        if path is None:
            return None
        try:
            labels = read_indices(path) if self.background or self.void is not None else read_labels(path)
        except InputError as error:
            raise self.root.broken(path, f"cannot be used ({error})") from error
        if self.background:
            labels[np.isin(labels, self.background)] = 0
        if self.merge:
            labels = np.where(labels == self.void, labels, labels > 0) if self.void is not None else labels > 0
        return labels.astype(np.int32)

    def masks(self, name: str) -> Mapping[int, np.ndarray] | None:
        labels = self.labels(name)
        return None if labels is None else _Masks(labels)

    def objects(self, is_late: bool) -> dict[int, TrueObject]:
        """The objects of the first mask; if is_late, of any mask, each from its first pixels on."""
        begins: dict[int, str] = {}
        for name in self.annotated if is_late else self.annotated[:1]:
            labels = self.labels(name)
            for value in np.unique(labels).tolist() if labels is not None else ():
                if value not in (0, self.void):
                    begins.setdefault(value, name)
        return {each: TrueObject(each, begins[each]) for each in sorted(begins)}


class _Masks(Mapping[int, np.ndarray]):
    """object id -> where the labels say so. Any id may be asked for; one that is not in sight has an empty mask."""

    def __init__(self, labels: np.ndarray):
        self._labels = labels

    def __getitem__(self, object_id: int) -> np.ndarray:
        return self._labels == object_id

    def __contains__(self, object_id: object) -> bool:
        return True

    def __iter__(self):
        return iter(np.unique(self._labels[self._labels > 0]).tolist())

    def __len__(self) -> int:
        return len(np.unique(self._labels[self._labels > 0]))
