"""Video files by decord (the package decord2), for those who want the very pixels older projects were fed.

Only its reading from the first frame on is exact: its seeking lands on wrong frames (H.265, edit lists, transport
streams), its time stamps are single precision and shifted by an edit list, and behind an edit list it repeats the last
frame. So this reader always decodes from the beginning, backwards again and again, and takes times and count from the
timetable. decord reads only the stream that it holds for the best; a file with several video streams is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from vidmem.errors import DamagedSource, InputError, UsageError
from vidmem.frames import OnDamage
from vidmem.frames.header import read_header, reason_of
from vidmem.frames.order import ordered, past_the_end
from vidmem.frames.pictures import from_pixels
from vidmem.frames.timetable import Timetable, read_timetable
from vidmem.values import Frame


class DecordVideo:
    """A video file as a Source. Raises UsageError without decord, InputError for a file it cannot read."""

    seekable = True

    def __init__(self, path: str | os.PathLike[str], on_damage: OnDamage = "stop"):
        self._decord = _import_decord()
        self._broken = (self._decord.DECORDError, RuntimeError, StopIteration)
        self.header = read_header(path)
        self.name, self.promised = self.header.path, self.header.promised
        self.size, self.rate = self.header.size, self.header.rate
        self.skipped = 0
        self._on_damage: OnDamage = on_damage
        if self.header.video_streams > 1:
            raise InputError(
                f"{self.name} has {self.header.video_streams} video streams, and decord cannot be told to read the "
                "first. Use --reader pyav."
            )

    def __iter__(self) -> Iterator[Frame]:
        return self._forward(0, None, 1)

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        if step < 0 and self._timetable and start >= len(self._timetable):
            raise past_the_end(self.name, len(self._timetable), start)
        return ordered(self._forward, start, stop, step, self.size)

    def close(self) -> None:
        """Nothing stays open between readings."""

    @cached_property
    def _timetable(self) -> Timetable | None:
        return read_timetable(self.header)

    def _forward(self, start: int, stop: int | None, step: int) -> Iterator[Frame]:
        video, table, self.skipped = self._opened(threads=0), self._timetable, 0
        count = min(len(video), len(table)) if table else len(video)
        if start > count:
            raise past_the_end(self.name, count, start)
        for number in range(count if stop is None else min(stop, count)):
            try:
                picture = video.next()
            except self._broken:  # its threads report a damage ahead of the good frames before it: one thread does not
                video = self._opened(threads=1)
                try:
                    for _ in range(number):
                        video.next()
                    picture = video.next()
                except self._broken as error:
                    self._damage(number, _said_by(error))
                    self.skipped = max(self.promised or 0, count) - number
                    return
            if number >= start and (number - start) % step == 0:
                time = table.seconds(number) if table else float(video.get_frame_timestamp(number)[0])
                yield Frame(number, from_pixels(picture.asnumpy()), time, f"{number:05d}")
        if self.header.cut_short and (stop is None or stop > count):
            self._damage(count, self.header.cut_short)
            self.skipped = max(0, (self.promised or 0) - count)

    def _opened(self, threads: int) -> Any:
        try:
            return self._decord.VideoReader(self.name, num_threads=threads)
        except self._broken as error:
            raise InputError(f"decord cannot read {self.name} ({_said_by(error)}). Use --reader pyav.") from error

    def _damage(self, read: int, reason: str) -> None:
        if self._on_damage == "stop":
            raise DamagedSource(self.name, read, self.promised, reason)


def _said_by(error: BaseException) -> str:
    """What decord said, without the place in its source."""
    return reason_of(error).split("] ")[-1].split("Check failed: ")[-1].rstrip(".")


def _import_decord() -> Any:
    try:
        import decord
    except (ImportError, OSError, RuntimeError) as missing:
        raise UsageError("The reader decord needs a package: pip install 'vidmem[decord]'") from missing
    decord.logging.set_level(decord.logging.QUIET)
    return decord
