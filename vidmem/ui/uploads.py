"""What may come in: which files are videos, pictures, masks and sessions, and whether they fit the limits.

Only containers that hold their own pictures are let in. A playlist or a list of files could name any place on this
machine or the net, and FFmpeg would go there.
"""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from vidmem.errors import InputError, VidmemError
from vidmem.frames import Source, watch
from vidmem.ui.limits import Limits, in_words

PICTURES = (".png", ".jpg", ".webp", ".heic", ".gif")
VIDEOS = "MP4, MOV, MKV, WebM, AVI, MPEG, TS, OGV, FLV or GIF"


def kind_of(path: Path) -> str | None:
    """The ending a file deserves by its first bytes; None for what is neither a video nor a picture let in here."""
    with path.open("rb") as file:
        head = file.read(400)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return ".heic" if head[8:12] in (b"heic", b"heix", b"avif", b"mif1") else ".mp4"
    if head[:4] == b"RIFF":
        return {b"AVI ": ".avi", b"WEBP": ".webp"}.get(head[8:12])
    for start, ending in (
        (b"\x1a\x45\xdf\xa3", ".mkv"),
        (b"\x00\x00\x01\xba", ".mpg"),
        (b"\x00\x00\x01\xb3", ".mpg"),
        (b"OggS", ".ogv"),
        (b"FLV\x01", ".flv"),
        (b"GIF8", ".gif"),
        (b"\x89PNG", ".png"),
        (b"\xff\xd8\xff", ".jpg"),
        (b"PK\x03\x04", ".zip"),
    ):
        if head.startswith(start):
            return ending
    return ".ts" if head[:1] == head[188:189] == b"\x47" else None  # the sync byte of each packet; GIFs begin so too


def shown_name(name: str) -> str:
    """A file's name as it may be shown and written: without folders, without letters that mean something to a shell."""
    last = re.split(r"[\\/]", name)[-1]
    clean = re.sub(r"[^\w.()+ -]+", "_", last).strip(". ")
    return clean[-80:] or "video"


def admit(path: Path, name: str, limits: Limits) -> tuple[Source, Path]:
    """The uploaded file as a source, and where it lies now. What is refused, as by `open_video`, is taken away."""
    try:
        return open_video(path, name, limits), next(path.parent.glob(f"{path.stem}.*"))
    except BaseException:
        for left in path.parent.glob(f"{path.stem}.*"):
            left.unlink(missing_ok=True)
        raise


def open_video(path: Path, name: str, limits: Limits) -> Source:
    """The uploaded file as a source, after every bound was checked. Raises InputError in words that name the file."""
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{name} is empty (0 bytes). Choose the file again; it may not have been copied whole.")
    if size > limits.upload_bytes:
        raise InputError(f"{name} has {in_words(size)}; at most {in_words(limits.upload_bytes)} may be opened here.")
    kind = kind_of(path)
    if kind is None or kind == ".zip":
        hint = " Open a saved session under Reopen." if kind == ".zip" else ""
        raise InputError(f"{name} is no video that can be opened here. Choose {VIDEOS}, or a picture.{hint}")
    if kind in PICTURES and (size_of := picture_size(path)) is not None:  # before a small file becomes a huge picture
        refuse_size(size_of, 0.0, name, limits)
    place = path if path.suffix == kind else path.rename(path.with_suffix(kind))
    try:
        source = watch(place, on_damage="skip", ahead=2)
        first = next(source.between(0, 1), None)
    except VidmemError as problem:
        raise InputError(str(problem).replace(str(place), name)) from problem
    if first is None:
        raise InputError(f"{name} holds no picture that can be read. Repair it, or choose another.")
    check_size(source, first.size, name, limits)
    return source


def check_size(source: Source, size: tuple[int, int], name: str, limits: Limits) -> None:
    """Raises InputError for a video beyond the limits, and closes it."""
    try:
        refuse_size(size, (source.promised or 0) / (source.rate or 24.0), name, limits)
    except InputError:
        source.close()
        raise


def refuse_size(size: tuple[int, int], seconds: float, name: str, limits: Limits) -> None:
    """Raises InputError for a frame (H, W) or a length beyond the limits."""
    height, width = size
    wrong = None
    if height * width > limits.pixels:
        wrong = f"is {width} x {height}; frames of at most {limits.pixels / 1e6:.1f} million pixels may be opened here"
    elif seconds > limits.seconds:
        wrong = f"lasts {seconds / 60:.0f} minutes; at most {limits.seconds / 60:.0f} may be opened here"
    elif height < 16 or width < 16:
        wrong = f"is {width} x {height}; a frame must be at least 16 x 16"
    if wrong:
        raise InputError(f"{name} {wrong}. Cut or shrink it first.")


def picture_size(path: Path) -> tuple[int, int] | None:
    """(H, W) as the head of a picture's file says; nothing of it is unpacked. None where it does not say."""
    try:
        with Image.open(path) as picture:
            return picture.height, picture.width
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
