"""Writing results so that a kill or a full disk leaves whole files behind, and says in one line what happened."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from vidmem.errors import InputError

CURES = {
    errno.ENOSPC: "Free space there, then go on with --resume.",
    errno.EDQUOT: "Free some of your quota there, then go on with --resume.",
    errno.EFBIG: "Raise the limit on file sizes, then go on with --resume.",
    errno.EACCES: "Make the folder writable, or choose another with --out.",
    errno.EPERM: "Make the folder writable, or choose another with --out.",
    errno.EROFS: "Choose a folder on a writable disk with --out.",
    errno.ENOTDIR: "A file stands where a folder is wanted: move it away, or choose another folder with --out.",
    errno.EEXIST: "A file stands where a folder is wanted: move it away, or choose another folder with --out.",
    errno.EISDIR: "A folder stands where a file is wanted: move it away, or choose another folder with --out.",
    errno.ENAMETOOLONG: "Give the frames shorter names, or choose a shorter --out.",
}


def refusal(path: Path, error: OSError, frames: int | None = None) -> InputError:
    """The one line for a file that cannot be written. `frames`: how many are safe in it or beside it."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    saved = (
        "" if frames is None else f" What came before is saved ({frames} frames)." if frames else " Nothing is saved."
    )
    cure = CURES.get(error.errno or 0, "Mend that, then go on with --resume.")
    return InputError(f"Cannot write {path}: {reason}.{saved} {cure}")


def make_folder(path: Path) -> Path:
    """The folder, made with its parents if it is not there. InputError when it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refusal(path, error) from error
    return path


def place(folder: Path, name: str, ending: str) -> Path:
    """The file of the frame called `name` in `folder`. InputError for a name that leads out of the folder."""
    path = folder / f"{name}{ending}"
    if not name or ".." in path.parts or not path.is_relative_to(folder):
        raise InputError(f"A frame is called {name!r}, which cannot name a file in {folder}. Rename its source file.")
    return path


def hidden(path: Path) -> Path:
    """Where a file is written before it is whole."""
    return path.with_name(f".{path.name}.part")


@contextmanager
def replacing(path: Path, frames: int | None = None) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` when the block ends well, in one move; otherwise `path` stays as it was."""
    part = hidden(path)
    try:
        with part.open("wb") as file:
            yield file
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):  # nothing is lost if the half file stays: it is hidden, and the next one replaces it
            part.unlink(missing_ok=True)
        raise refusal(path, error, frames) from error


class GrowingFile:
    """A file that grows by whole records and ends in `tail` after each of them, so that it is whole at any moment.

    A record that does not fit on the disk is taken back. Only a kill during the one system call that writes a record
    can leave half of it.
    """

    def __init__(self, path: Path, head: bytes = b"", tail: bytes = b"") -> None:
        with replacing(path) as file:
            file.write(head + tail)
        self._open(path, tail)

    @classmethod
    def reopen(cls, path: Path, tail: bytes = b"", frames: int = 0) -> GrowingFile:
        """The file as it was left, to be continued."""
        file = cls.__new__(cls)
        file._open(path, tail)
        file.frames = frames
        return file

    def _open(self, path: Path, tail: bytes) -> None:
        self.path, self.tail, self.frames = path, tail, 0
        try:
            self._file = path.open("rb+", buffering=0)
        except OSError as error:
            raise refusal(path, error) from error
        self.end = os.fstat(self._file.fileno()).st_size - len(tail)  # where the next record goes

    def append(self, record: bytes) -> None:
        """Writes the records of one frame. InputError when the disk refuses; the file is then as it was before."""
        try:
            self._put(record + self.tail, self.end)
        except OSError as error:
            self._put(self.tail, self.end)
            os.ftruncate(self._file.fileno(), self.end + len(self.tail))
            raise refusal(self.path, error, self.frames) from error
        self.end += len(record)
        self.frames += 1

    def overwrite(self, offset: int, content: bytes) -> None:
        """Writes over what stands at `offset`."""
        try:
            self._put(content, offset)
        except OSError as error:
            raise refusal(self.path, error, self.frames) from error

    def _put(self, content: bytes, offset: int) -> None:
        while content:
            self._file.seek(offset)
            written = self._file.write(content)
            content, offset = content[written:], offset + written

    def close(self) -> None:
        self._file.close()


def number(value: float, digits: int = 6) -> float | None:
    """A plain rounded float; None for NaN and the infinities, which JSON does not know."""
    return round(float(value), digits) if math.isfinite(value) else None
