"""Frames from wherever they come: a video file, a folder of images, an address, a camera, an array, an iterator.

To add a reader: write vidmem/frames/NAME.py and its line in the table; tests/test_frames.py tries it at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from vidmem.values import Frame


class Source(Protocol):
    """A stream of frames that is read one at a time. Iterating twice starts again, where the source can."""

    name: str  # what messages call it
    promised: int | None  # how many frames it says it has; None for a live source or when it does not say
    size: tuple[int, int] | None  # (H, W) after rotation, where it is known before reading
    rate: float | None  # average frames per second, where it is known
    seekable: bool  # whether frames can be read again and backwards

    def __iter__(self) -> Iterator[Frame]:
        """Every frame, in order. Raises DamagedSource behind the last good frame of a broken source."""
        ...

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """Frames start .. stop-1 as range(start, stop, step) orders them; step may be -1 where the source is seekable."""
        ...

    def close(self) -> None: ...


readers: Catalog[Source] = Catalog(
    "reader",
    "vidmem.frames",
    {
        "pyav": "vidmem.frames.pyav:PyavVideo",  # the default: carries its own FFmpeg
        "opencv": "vidmem.frames.opencv:OpencvVideo",
        "decord": "vidmem.frames.decord:DecordVideo",  # pip name decord2
        "torchcodec": "vidmem.frames.torchcodec:TorchcodecVideo",  # needs FFmpeg on the system
    },
)
