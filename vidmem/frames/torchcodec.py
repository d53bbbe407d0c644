"""Video files by torchcodec, which uses the FFmpeg libraries of the system.

Times are the container's (pts_seconds). They are held against the timetable for every frame, because in transport
streams and some FLV files torchcodec hands out another frame than the one it was asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from vidmem.errors import DamagedSource, InputError, UsageError
from vidmem.frames import OnDamage
from vidmem.frames.header import read_header, reason_of
from vidmem.frames.order import ordered, past_the_end
from vidmem.frames.timetable import Timetable, read_timetable
from vidmem.values import Frame

BROKEN = (RuntimeError, IndexError, ValueError)
NEEDS_FFMPEG = (
    "The reader torchcodec needs FFmpeg 4 to 9 on the system: `apt install ffmpeg` or `brew install ffmpeg`, or use "
    "--reader pyav, which brings its own."
)


class TorchcodecVideo:
    """A video file as a Source. Raises UsageError without torchcodec or FFmpeg, InputError for an unreadable file."""

    seekable = True

    def __init__(self, path: str | os.PathLike[str], on_damage: OnDamage = "stop"):
        self._decoder_class = _import_decoder()
        self.header = read_header(path)
        self.name, self.promised = self.header.path, self.header.promised
        self.size, self.rate = self.header.size, self.header.rate
        self.skipped = 0
        self._on_damage: OnDamage = on_damage
        # decord loads its dav1d for the whole process; the system's FFmpeg then calls that one and crashes
        if self.header.codec == "av1" and "decord" in sys.modules:
            raise InputError(
                f"{self.name} is AV1, which torchcodec cannot read in a process that has imported decord. "
                "Use --reader pyav, or start anew without decord."
            )

    def __iter__(self) -> Iterator[Frame]:
        return self.between()

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        decoder = self._opened()

        def forward(start: int, stop: int | None, step: int) -> Iterator[Frame]:
            return self._forward(decoder, start, stop, step)

        if step < 0 and start >= len(decoder):
            raise past_the_end(self.name, len(decoder), start)
        return ordered(forward, start, stop, step, self.size)

    def close(self) -> None:
        """A reading closes the file when it ends."""

    @cached_property
    def _timetable(self) -> Timetable | None:
        return read_timetable(self.header)

    def _opened(self) -> Any:
        try:
            return self._decoder_class(self.name, stream_index=self.header.stream, num_ffmpeg_threads=0)
        except BROKEN as error:
            if "libtorchcodec" in str(error):
                raise UsageError(NEEDS_FFMPEG) from error
            raise InputError(f"torchcodec cannot read {self.name} ({_said_by(error)}). Use --reader pyav.") from error

    def _forward(self, decoder: Any, start: int, stop: int | None, step: int) -> Iterator[Frame]:
        count, table, self.skipped, number = len(decoder), self._timetable, 0, start
        if start > count:
            raise past_the_end(self.name, count, start)
        end = count if stop is None else min(stop, count)
        while number < end:
            try:
                picture = decoder.get_frame_at(number)
            except BROKEN as error:
                self._damage(number, _said_by(error))
                restart = table.restart_after(number) if table else None
                behind = end if restart is None else start - (start - restart) // step * step
                self.skipped += min(behind, end) - number
                number = behind
                continue
            yield Frame(number, picture.data, self._checked_time(number, picture.pts_seconds), f"{number:05d}")
            number += step
        if self.header.cut_short and (stop is None or stop > count):
            self._damage(count, self.header.cut_short)
            self.skipped += max(0, (self.promised or 0) - count)

    def _checked_time(self, number: int, pts_seconds: float) -> float:
        time = pts_seconds - float((self.header.first_pts or 0) * self.header.time_base)
        if self._timetable is not None and abs(time - self._timetable.seconds(number)) > 0.002:
            raise InputError(
                f"torchcodec gives another frame than number {number} of {self.name}: it does not seek exactly in "
                f"{self.header.container}. Use --reader pyav."
            )
        return time

    def _damage(self, read: int, reason: str) -> None:
        if self._on_damage == "stop":
            raise DamagedSource(self.name, read, self.promised, reason)


def _said_by(error: BaseException) -> str:
    """What torchcodec said, without the place in its source."""
    return reason_of(error).split(", ")[-1]


def _import_decoder() -> Any:
    try:
        from torchcodec.decoders import VideoDecoder  # pyright: ignore[reportPrivateImportUsage]
    except ImportError as missing:
        raise UsageError("The reader torchcodec needs a package: pip install 'vidmem[torchcodec]'") from missing
    except (OSError, RuntimeError) as broken:
        raise UsageError(NEEDS_FFMPEG) from broken
    return VideoDecoder
