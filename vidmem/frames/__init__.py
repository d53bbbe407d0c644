"""Frames from wherever they come: a video file, a folder of images, an address, a camera, an array, an iterator.

To add a reader: write vidmem/frames/NAME.py and its line in the table; tests/test_frames.py tries it at once. A reader
is made with the path of a video file and `on_damage`, and is a Source. What all readers share is in header.py (which
file is no video, which stream is meant, how it is turned), timetable.py (frame number <-> time) and order.py (thinning
and backwards).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from vidmem.values import Frame

OnDamage = Literal["stop", "skip"]


class Source(Protocol):
    """A stream of frames that is read one at a time. Iterating twice starts again, where the source can."""

    @property
    def name(self) -> str: ...  # what messages call it

    @property
    def promised(self) -> int | None: ...  # how many frames it says it has; None for a live one, or if it does not say

    @property
    def size(self) -> tuple[int, int] | None: ...  # (H, W) after rotation, where it is known before reading

    @property
    def rate(self) -> float | None: ...  # average frames per second, where it is known

    @property
    def seekable(self) -> bool: ...  # whether frames can be read again and backwards

    @property
    def skipped(self) -> int: ...  # frames lost to damage in the latest reading (on_damage="skip")

    def __iter__(self) -> Iterator[Frame]:
        """Every frame, in order. Raises DamagedSource behind the last good frame of a broken source."""
        ...

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """The frames numbered range(start, stop, step), each with its number as index; stop=None is as far as it goes.

        Backwards (step -1) frame `start` comes first and frame 0 last, unless `stop` says otherwise: between(9, 4, -1)
        is 9 8 7 6 5. Only a seekable source can go backwards; it does so in bounded memory.
        """
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


def watch(
    source: str | PathLike[str] | int | Source | Iterable[Any],
    *,
    reader: str = "pyav",
    on_damage: OnDamage = "stop",
    ahead: int = 4,
    every: int = 1,
    start: int = 0,
    stop: int | None = None,
) -> Source:
    """A stream of frames from a video file, a folder of images, an address, a camera, an array or an iterator.

    source     a path; a glob ("clips/*.jpg"); an address (http, https, rtsp, rtmp, udp, ...); a camera (0, "0",
               "/dev/video0"); an array or tensor (T, H, W, 3) or (T, 3, H, W) uint8; an iterable of arrays, tensors,
               PIL images, paths of images or Frames; or another Source.
    reader     what decodes a video file: a name of the table `readers`.
    on_damage  "stop": a broken file yields its good frames, then raises DamagedSource. "skip": it goes on behind the
               damage where the container allows and counts what was lost in `.skipped`; a live address reconnects.
    ahead      frames decoded in advance on a thread of their own; 0 decodes when asked. A live source never falls
               behind: when `ahead` frames wait, the oldest is dropped. Arrays and iterators are never read ahead.
    every      keep each N-th frame of the source.
    start stop frame numbers of the source: the first one wanted, and the first one not wanted any more.

    Frame.index counts the frames delivered; Frame.name is an image's stem, or the frame's number in the source with
    five digits; Frame.time is in seconds from the source's first frame (number 0, whatever `start` is), by the
    container's own time stamps. A source without times (a folder, an array) counts as 24 frames a second.

    All readers give the same upright RGB pixels: rotation (display matrix, EXIF) is applied, an alpha channel is
    dropped and not composited, deeper than 8 bits is rounded to 8, the first video stream that is no cover is read.

    Raises InputError when the source cannot be read, UsageError for options that make no sense.
    """
    from vidmem.frames.opening import open_source  # here, so that the table can be read without torch

    return open_source(source, reader, on_damage, ahead, every, start, stop)
