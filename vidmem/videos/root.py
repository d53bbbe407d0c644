"""The folder a data set lies in, and the one way to say that something in it is missing or broken."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidmem.errors import InputError


class BrokenDataset(InputError):
    """Something of a data set is missing or cannot be read. `path` is what, `reason` why, in words."""

    def __init__(self, path: Path, reason: str, title: str, address: str, tree: str):
        where = f" It comes from {address}." if address else ""
        shown = f" Expected below the root folder:\n{tree.strip()}" if tree else ""
        super().__init__(f"{title}: {path} {reason}.{where}{shown}")
        self.path, self.reason = path, reason


@dataclass(frozen=True)
class Root:
    """Where a data set lies, and what its card says of how it should look there."""

    path: Path
    title: str = "The data set"
    address: str = ""
    tree: str = ""

    def broken(self, path: Path, reason: str) -> BrokenDataset:
        """The error to raise. `reason` goes on from the path: "is missing", "has 3 numbers in line 7, not 4"."""
        return BrokenDataset(path, reason, self.title, self.address, self.tree)

    def folder(self, relative: str | Sequence[str]) -> Path:
        """The first of these folders, by their paths below the root, that is there. Raises BrokenDataset."""
        first, *others = [relative] if isinstance(relative, str) else relative
        for each in (first, *others):
            if (self.path / each).is_dir():
                return self.path / each
        also = f", nor is {' or '.join(str(self.path / each) for each in others)}" if others else ""
        raise self.broken(self.path / first, f"is no folder{also}")

    def file(self, relative: str) -> Path:
        """A file below the root. Raises BrokenDataset where it is missing."""
        path = self.path / relative
        if not path.is_file():
            raise self.broken(path, "is missing")
        return path

    def text(self, path: Path) -> str:
        """What a text file says. Raises BrokenDataset where it is missing or no text."""
        try:
            return path.read_text("utf-8-sig")
        except FileNotFoundError:
            raise self.broken(path, "is missing") from None
        except OSError as error:
            raise self.broken(path, f"cannot be read ({error.strerror})") from error
        except UnicodeDecodeError as error:
            raise self.broken(path, f"is no text (byte {error.start} is not UTF-8)") from error

    def lines(self, path: Path) -> Iterator[tuple[int, str]]:
        """(line number from 1, text) of the lines that are not empty."""
        for number, line in enumerate(self.text(path).splitlines(), 1):
            if line.strip():
                yield number, line.strip()

    def json(self, path: Path, **needed: type) -> dict[str, Any]:
        """An object in a JSON file; needed: its entries and what each must be. Raises BrokenDataset."""
        try:
            said = json.loads(self.text(path))
        except ValueError as error:
            raise self.broken(path, f"is no JSON ({error})") from error
        for word, kind in needed.items():
            if not isinstance(said, dict) or not isinstance(said.get(word), kind):
                raise self.broken(path, f"has no {kind.__name__} {word!r} at its top")
        return said

    def names(self, path: Path) -> list[str]:
        """The names in a list file, one a line. Raises BrokenDataset for a list that is empty or names one twice."""
        names = [line for _, line in self.lines(path)]
        if not names:
            raise self.broken(path, "names nothing")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise self.broken(path, f"names {', '.join(twice[:3])} more than once")
        return names

    def folders(self, parent: Path) -> list[str]:
        """The names of the folders in a folder, sorted. Raises BrokenDataset where there is none."""
        if not parent.is_dir():
            raise self.broken(parent, "is no folder")
        names = sorted(each.name for each in parent.iterdir() if each.is_dir() and not each.name.startswith("."))
        if not names:
            raise self.broken(parent, "holds no folders")
        return names

    def images(self, folder: Path) -> list[Path]:
        """The images of a folder, in the order they are watched. Raises BrokenDataset where there is none."""
        from vidmem.frames.folder import images_in

        if not folder.is_dir():
            raise self.broken(folder, "is missing")
        try:
            return images_in(folder)
        except InputError as error:
            is_open = os.access(folder, os.R_OK | os.X_OK)
            raise self.broken(folder, "holds no images" if is_open else "cannot be listed: no permission") from error
