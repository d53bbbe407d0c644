"""Video files by torchcodec, which uses the FFmpeg libraries of the system. Times are the container's (pts_seconds)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vidmem.errors import InputError, UsageError
from vidmem.frames import OnDamage
from vidmem.frames.header import Header, read_header, reason_of
from vidmem.frames.indexed import Indexed
from vidmem.frames.order import ordered, past_the_end
from vidmem.frames.timetable import Timetable, read_timetable
from vidmem.values import Frame

if TYPE_CHECKING:
    from torch import Tensor

BROKEN = (RuntimeError, IndexError, ValueError)


class TorchcodecVideo:
    """A video file as a Source. Raises UsageError without torchcodec or FFmpeg, InputError for an unreadable file."""

    seekable = True

    def __init__(self, path: str | os.PathLike[str], on_damage: OnDamage = "stop"):
        self._decoder_class = _import_decoder()
        self.header = read_header(path)
        self.name, self.promised = self.header.path, self.header.promised
        self.size, self.rate = self.header.size, self.header.rate
        self._on_damage: OnDamage = on_damage
        self._latest: Indexed | None = None
        _check_av1(self.header)

    def __iter__(self) -> Iterator[Frame]:
        return self.between()

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        frames = self._latest = self._opened()
        if step < 0 and start >= frames.count:
            raise past_the_end(self.name, frames.count, start)
        return ordered(frames.forward, start, stop, step, self.size)

    def close(self) -> None:
        """A reading closes the file when it ends."""

    @property
    def skipped(self) -> int:
        return self._latest.lost if self._latest else 0

    @cached_property
    def _timetable(self) -> Timetable | None:
        return read_timetable(self.header)

    def _opened(self) -> Indexed:
        try:
            video = self._decoder_class(self.name, stream_index=self.header.stream, num_ffmpeg_threads=0)
            count = len(video)
        except BROKEN as error:
            if "libtorchcodec" in str(error):
                raise UsageError(NEEDS_FFMPEG) from error
            raise InputError(f"torchcodec cannot read {self.name} ({reason_of(error)}). Use --reader pyav.") from error
        began = float((self.header.first_pts or 0) * self.header.time_base)

        def fetch(number: int) -> tuple[Tensor, float]:
            frame = video.get_frame_at(number)
            return frame.data, frame.pts_seconds - began

        return Indexed(self.header, self._timetable, count, fetch, BROKEN, self._on_damage)


NEEDS_FFMPEG = (
    "The reader torchcodec needs FFmpeg 4 to 9 on the system: `apt install ffmpeg` or `brew install ffmpeg`, or use "
    "--reader pyav, which brings its own."
)


def _import_decoder() -> Any:
    try:
        from torchcodec.decoders import VideoDecoder  # pyright: ignore[reportPrivateImportUsage]
    except ImportError as missing:
        raise UsageError("The reader torchcodec needs a package: pip install 'vidmem[torchcodec]'") from missing
    except (OSError, RuntimeError) as broken:
        raise UsageError(NEEDS_FFMPEG) from broken
    return VideoDecoder


def _check_av1(header: Header) -> None:
    # decord loads its dav1d for the whole process; the system's FFmpeg then calls that one and crashes
    if header.codec == "av1" and "decord" in sys.modules:
        raise InputError(
            f"{header.path} is AV1, which torchcodec cannot read in a process that has imported decord. "
            "Use --reader pyav, or start anew without decord."
        )
