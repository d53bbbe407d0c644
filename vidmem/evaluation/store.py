"""Where an evaluation's files lie: a folder, or an address fsspec knows (s3://…, gs://…, memory://…).

Whatever is written appears whole or not at all, so that a kill at any moment leaves nothing half done.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from vidmem.errors import InputError, UsageError
from vidmem.saving import make_folder, refusal, replacing


class Store(Protocol):
    """Files by name, with / between folders. Names are relative and never lead out."""

    place: str  # what the user called it

    def files(self, folder: str = "") -> set[str]:
        """The names of all files below `folder`, relative to it; hidden ones are left out."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        ...

    def read(self, name: str) -> bytes: ...

    def write(self, name: str, content: bytes) -> None:
        """A whole file in one move."""
        ...

    def scratch(self) -> Any:
        """A context: an empty folder on this machine, gone when the block ends."""
        ...

    def publish(self, made: Path, name: str) -> None:
        """A file or folder made in a scratch folder takes the place of `name`."""
        ...

    def fetch(self, name: str) -> Any:
        """A context: the path on this machine of a file or folder, which need not exist."""
        ...

    def remove(self, name: str) -> None:
        """A file or folder, if it is there."""
        ...

    def held(self) -> Any:
        """A context in which no other run uses the store."""
        ...


def open_store(place: str | Path) -> Store:
    """The store at a path or an address. Raises InputError for a file, UsageError for an address without fsspec."""
    return Address(str(place)) if "://" in str(place) else Folder(Path(place))


class Folder:
    """A folder on a disk, which the machines of a cluster may share."""

    def __init__(self, root: Path) -> None:
        if root.exists() and not root.is_dir():
            raise InputError(f"{root} is a file; --out names a folder.")
        self.root, self.place = root, str(root)

    def files(self, folder: str = "") -> set[str]:
        top = self.root / folder
        found = (path.relative_to(top) for path in top.rglob("*") if path.is_file())
        return {path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts)}

    def has(self, name: str) -> bool:
        return (self.root / name).is_file()

    def read(self, name: str) -> bytes:
        try:
            return (self.root / name).read_bytes()
        except OSError as error:
            raise InputError(f"{self.root / name} cannot be read: {error.strerror}.") from error

    def write(self, name: str, content: bytes) -> None:
        path = self.root / name
        make_folder(path.parent)
        with replacing(path) as file:
            file.write(content)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        # Beside the results, since only a move within one disk is a single step.
        made = make_folder(self.root / ".scratch" / uuid.uuid4().hex)
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def publish(self, made: Path, name: str) -> None:
        target, aside = self.root / name, made.with_name(f"{made.name}.old")
        make_folder(target.parent)
        try:
            with suppress(FileNotFoundError):
                os.replace(target, aside)
            os.replace(made, target)
        except OSError as error:
            raise refusal(target, error) from error

    @contextmanager
    def fetch(self, name: str) -> Iterator[Path]:
        yield self.root / name

    def remove(self, name: str) -> None:
        path = self.root / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Raises InputError while another process holds it. A kill lets go of it."""
        make_folder(self.root)
        with (self.root / ".lock").open("a") as lock:
            if not _lock(lock):
                raise InputError(f"Another run is at work in {self.root}. Wait for it, or choose another --out.")
            self.remove(".scratch")  # what a killed run left
            yield
            self.remove(".scratch")


def _lock(file: Any) -> bool:
    """Whether the file is now locked by this process. Where the system or the disk has no such locks, always."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


class Address:
    """Files at an address. One file appears at once, a folder's files one by one: so a video's record comes last."""

    def __init__(self, place: str) -> None:
        try:
            import fsspec
        except ImportError as missing:
            raise UsageError(f"{place} is an address, which needs fsspec: pip install 'vidmem[cluster]'") from missing
        try:
            self._files, root = fsspec.core.url_to_fs(place)
        except (ImportError, ValueError) as problem:
            raise UsageError(f"{place} cannot be used as an address: {problem}") from problem
        self._root, self.place = str(root).rstrip("/"), place

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def files(self, folder: str = "") -> set[str]:
        top = self._at(folder)
        self._files.invalidate_cache()
        if not self._files.exists(top):
            return set()
        return {str(each)[len(top) :].lstrip("/") for each in self._files.find(top)}

    def has(self, name: str) -> bool:
        self._files.invalidate_cache()
        return self._files.isfile(self._at(name))

    def read(self, name: str) -> bytes:
        try:
            return self._files.cat_file(self._at(name))
        except OSError as error:
            raise InputError(f"{self.place}/{name} cannot be read: {error}.") from error

    def write(self, name: str, content: bytes) -> None:
        try:
            self._files.pipe_file(self._at(name), content)
        except OSError as error:
            raise InputError(f"{self.place}/{name} cannot be written: {error}.") from error

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="vidmem-") as folder:
            yield Path(folder)

    def publish(self, made: Path, name: str) -> None:
        self.remove(name)
        for path in sorted(made.rglob("*")) if made.is_dir() else [made]:
            if path.is_file():
                inside = path.relative_to(made).as_posix() if made.is_dir() else ""
                self.write(f"{name}/{inside}" if inside else name, path.read_bytes())

    @contextmanager
    def fetch(self, name: str) -> Iterator[Path]:
        with self.scratch() as folder:
            copy = folder / (Path(name).name or "all")
            inside = self.files(name)
            for each in inside - {""}:
                path = copy / each
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.read(f"{name}/{each}"))
            if inside == {""}:
                copy.write_bytes(self.read(name))
            yield copy

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._files.rm(self._at(name), recursive=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        yield
