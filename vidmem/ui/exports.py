"""Results as files: every writer's format, packed into one archive. Also the way back: masks from a file to prompts."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vidmem.errors import InputError, VidmemError
from vidmem.masks import read_labels
from vidmem.saving import hidden, make_folder
from vidmem.ui.picture import pixels
from vidmem.ui.uploads import kind_of, picture_size
from vidmem.values import Frame, Prompt
from vidmem.writers import writers

if TYPE_CHECKING:
    from vidmem.ui.desk import Desk

LABELS = {
    "png": "Index PNGs (DAVIS)",
    "object-png": "One PNG an object",
    "rle": "COCO run lengths",
    "ytvos": "YouTube-VIS JSON",
    "csv": "Table (CSV)",
    "parquet": "Table with masks (Parquet)",
    "mp4": "Video with masks (MP4)",
}


def formats() -> list[tuple[str, str]]:
    """(name, label) of every writer there is, those of other packages too."""
    return [(name, LABELS.get(name, name)) for name in writers]


def export(desk: Desk, chosen: Sequence[str]) -> tuple[Path, int]:
    """The archive, and how many frames are in it. Raises InputError when there is nothing to write."""
    if not chosen:
        raise InputError("Tick at least one format.")
    makers = {name: writers[name] for name in dict.fromkeys(chosen)}
    results = desk.work.results
    if next(results.frames(), None) is None:
        raise InputError("There is nothing to export yet. Mark an object and press Track.")
    folder = make_folder(desk.folder / "exports" / "files")
    rmtree(folder)
    make_folder(folder)
    frames = 0
    try:
        with ExitStack() as closers:
            made = []
            for name, maker in makers.items():
                make = partial(maker, looks=desk.work.colours()) if name == "mp4" else maker
                made.append(closers.enter_context(closing(make(folder))))
            pictures = _Pictures(desk) if any(each.needs_image for each in made) else None
            for annotation in desk.shelf.every(results, desk.work.prompted()):
                picture = pictures.at(annotation.frame) if pictures else None
                for writer in made:
                    writer.write(annotation, picture)
                frames += 1
        path = free_name(desk.folder / "exports", _stem(desk.clip.name), ".zip")
        pack(
            path, ((each, each.relative_to(folder).as_posix()) for each in sorted(folder.rglob("*")) if each.is_file())
        )
    finally:
        rmtree(folder, ignore_errors=True)
    return path, frames


def pack(path: Path, files: Iterator[tuple[Path, str]]) -> None:
    """Writes an archive, whole or not at all."""
    part = hidden(path)
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, name in files:
                stored = file.suffix in (".mp4", ".png", ".parquet", ".mkv", ".jpg")
                archive.write(file, name, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def free_name(folder: Path, stem: str, ending: str) -> Path:
    """STEM-N.ending, the first N that is free."""
    make_folder(folder)
    number = 1
    while (folder / f"{stem}-{number}{ending}").exists():
        number += 1
    return folder / f"{stem}-{number}{ending}"


def prompts_of_mask(path: Path, size: tuple[int, int], selected: int, name: Any) -> list[Prompt]:
    """The prompts a mask file makes: one object is the selected one, several keep the ids they are painted with."""
    if path.stat().st_size == 0:
        raise InputError(f"{name} is empty (0 bytes). Choose the file again.")
    if kind_of(path) not in (".png", ".gif"):
        raise InputError(f"{name} is no PNG. A mask is a PNG whose pixels are object ids, or black and white.")
    painted = picture_size(path)
    if painted is not None and painted != size:  # before it is unpacked
        raise InputError(
            f"{name} is {painted[1]} x {painted[0]} pixels, the video {size[1]} x {size[0]}. "
            "Give a mask of the video's size."
        )
    try:
        labels = read_labels(path)
    except VidmemError as problem:
        raise InputError(str(problem).replace(str(path), str(name))) from problem
    ids = [int(each) for each in np.unique(labels) if each > 0]
    if not ids:
        raise InputError(f"{name} is empty: no pixel is above 0. Paint the object in white.")
    if len(ids) == 1:
        return [Prompt(selected, mask=torch.from_numpy(labels == ids[0]))]
    return [Prompt(each, mask=torch.from_numpy(labels == each)) for each in ids]


class _Pictures:
    """The pictures of the answered frames, which are asked for in order: read on where it is near, sought where not."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def at(self, index: int) -> np.ndarray:
        frame: Frame = self._desk.reel.at(index)
        return pixels(frame)


def _stem(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name.rpartition(".")[0] or name).strip("-").lower()[:40] or "video"
