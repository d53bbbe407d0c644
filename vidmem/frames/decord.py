"""Video files by decord (the package decord2), for those who want the very pixels older projects were fed.

decord gives time stamps in single precision and wrong ones behind an edit list, and repeats the last frame for those
the list hides, so times and count come from the timetable. It reads only the stream that it holds for the best; a file
with several video streams is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vidmem.errors import InputError, UsageError
from vidmem.frames import OnDamage
from vidmem.frames.header import read_header, reason_of
from vidmem.frames.indexed import Indexed
from vidmem.frames.order import ordered, past_the_end
from vidmem.frames.pictures import from_pixels
from vidmem.frames.timetable import Timetable, read_timetable
from vidmem.values import Frame

if TYPE_CHECKING:
    from torch import Tensor


class DecordVideo:
    """A video file as a Source. Raises UsageError without decord, InputError for a file it cannot read."""

    seekable = True

    def __init__(self, path: str | os.PathLike[str], on_damage: OnDamage = "stop"):
        self._decord = _import_decord()
        self.header = read_header(path)
        self.name, self.promised = self.header.path, self.header.promised
        self.size, self.rate = self.header.size, self.header.rate
        self._on_damage: OnDamage = on_damage
        self._latest: Indexed | None = None
        if self.header.video_streams > 1:
            raise InputError(
                f"{self.name} has {self.header.video_streams} video streams, and decord cannot be told to read "
                "the first. Use --reader pyav."
            )

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
        broken = (self._decord.DECORDError, RuntimeError)
        try:
            video = self._decord.VideoReader(self.name)
            count = len(video)
        except broken as error:
            raise InputError(
                f"decord cannot read {self.name} ({said_by(error)}). Use --reader pyav, which reads more."
            ) from error
        table = self._timetable

        def fetch(number: int) -> tuple[Tensor, float]:
            nonlocal video
            try:
                pixels = video[number].asnumpy()
            except broken:  # its threads report a damage before they hand out the good frames ahead of it: one thread
                video = self._decord.VideoReader(self.name, num_threads=1)
                try:
                    pixels = video[number].asnumpy()
                except broken as error:
                    raise InputError(said_by(error)) from error
            time = table.seconds(number) if table else float(video.get_frame_timestamp(number)[0])
            return from_pixels(pixels), time

        count = min(count, len(table)) if table else count
        return Indexed(self.header, table, count, fetch, (InputError,), self._on_damage)


def said_by(error: BaseException) -> str:
    """What decord said, without the place in its source."""
    return reason_of(error).split("] ")[-1].split("Check failed: ")[-1]


def _import_decord() -> Any:
    try:
        import decord
    except (ImportError, OSError, RuntimeError) as missing:
        raise UsageError("The reader decord needs decord2: pip install 'vidmem[decord]'") from missing
    decord.logging.set_level(decord.logging.QUIET)
    return decord
