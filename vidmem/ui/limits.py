"""How much one person may ask of the page, and how many may ask at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vidmem.errors import UsageError

UNITS = {"": 1, "B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "KB": 10**3, "MB": 10**6, "GB": 10**9}


@dataclass(frozen=True)
class Limits:
    """Every bound of the page in one place."""

    sessions: int = 16  # people at once; one more is asked to come back
    upload_bytes: int = 1 << 30  # of one file
    folder_bytes: int = 4 << 30  # of all that one person has on disk: uploads, results, exports
    seconds: float = 2 * 3600.0  # length of a video
    pixels: int = 4096 * 2304  # of a frame
    objects: int = 32  # of one person
    points: int = 64  # on one object in one frame
    prompts: int = 1000  # objects marked in frames, all together
    undo_steps: int = 40
    undo_bytes: int = 256 << 20  # of all that is kept for undo
    idle_seconds: float = 1800.0  # a page that says nothing so long is closed
    leave_seconds: float = 60.0  # a tab that was closed may come back (a reload) for so long

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise UsageError(f"The limit {name} is {value}; it must be above 0.")


def as_bytes(text: str) -> int:
    """The number of bytes in "512MiB", "2 GB" or "1000". Raises UsageError for anything else."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    if not found or found[2].upper() not in UNITS:
        raise UsageError(f"{text!r} is no size. Write a number and a unit, for example 512MiB or 2GiB.")
    return int(float(found[1]) * UNITS[found[2].upper()])


def in_words(size: float) -> str:
    """Bytes as a person reads them: 1.5 MiB."""
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
