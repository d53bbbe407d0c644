"""Video files by PyAV, the default reader: PyAV's wheel carries its own FFmpeg, so nothing else has to be installed.

Frame.time is exact (`pts` x time base). Seeking goes to the key frame before and decodes from there, checked by time
stamp. It is the only reader that sees the damage FFmpeg marks while covering it up: a frame marked so ends the stream.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from vidmem.errors import DamagedSource, InputError
from vidmem.frames import OnDamage
from vidmem.frames.header import BROKEN, JOINED_ANYWHERE, opened, quarter_turns, read_header, reason_of
from vidmem.frames.order import ordered, past_the_end
from vidmem.frames.pictures import from_pixels
from vidmem.frames.timetable import Timetable, read_timetable
from vidmem.values import Frame

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from torch import Tensor

GIVE_UP = 1000  # packets in a row that do not decode: nothing good is to come, and a hang must be impossible


class PyavVideo:
    """A video file as a Source. Raises InputError at once when the file is no video."""

    seekable = True

    def __init__(self, path: str | os.PathLike[str], on_damage: OnDamage = "stop"):
        self.header = read_header(path)
        self.name, self.promised = self.header.path, self.header.promised
        self.size, self.rate = self.header.size, self.header.rate
        self.skipped = 0
        self._on_damage: OnDamage = on_damage

    def __iter__(self) -> Iterator[Frame]:
        return self._forward(0, None, 1)

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        if step < 0 and self.timetable and start >= len(self.timetable):
            raise past_the_end(self.name, len(self.timetable), start)
        return ordered(self._forward, start, stop, step, self.size)

    def close(self) -> None:
        """Nothing stays open between readings."""

    @cached_property
    def timetable(self) -> Timetable | None:
        return read_timetable(self.header)

    def _forward(self, start: int, stop: int | None, step: int) -> Iterator[Frame]:
        reading = _Reading(self, self._on_damage)
        self.skipped, number = 0, -1
        if stop is not None and stop <= start:
            return
        with self._stream() as (container, stream):
            for number, picture in reading.numbered(container, stream, start):
                if number >= start and (number - start) % step == 0:
                    time = self.header.seconds(picture.pts, number)
                    yield Frame(number, upright(picture), time, f"{number:05d}")
                if stop is not None and number + 1 >= stop:  # now: the next one may be damaged, and is not wanted
                    return
        if number + 1 < start:
            raise past_the_end(self.name, number + 1, start)

    @contextmanager
    def _stream(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        with opened(self.name) as container:
            stream = container.streams.video[[s.index for s in container.streams.video].index(self.header.stream)]
            stream.thread_type = "AUTO"
            yield container, stream


def upright(picture: VideoFrame) -> Tensor:
    """A decoded frame as (3, H, W) uint8 RGB, turned by its own display matrix."""
    # bicubic chroma, as OpenCV's and torchcodec's FFmpeg; only pictures deeper than 8 bits show the difference
    return from_pixels(picture.to_ndarray(format="rgb24", interpolation="BICUBIC"), quarter_turns(picture))


class _Reading:
    """One passage through a file: which number each decoded picture has, and what becomes of damage."""

    def __init__(self, video: PyavVideo, on_damage: OnDamage):
        self.video, self.on_damage = video, on_damage
        self.next = 0  # number of the picture to come
        self.by_time = False  # after a seek or a loss the time stamps say the number; counting would be wrong

    def numbered(self, container: InputContainer, stream: VideoStream, start: int) -> Iterator[tuple[int, VideoFrame]]:
        """Every picture with its number in the file, from `start` on or from somewhere before it."""
        for picture in self._decoded_from(container, stream, start):
            if self.by_time and self.video.timetable is not None:
                number = self.video.timetable.number(picture.pts)
                if number is not None and number < self.next:
                    continue  # behind a loss the decoder hands out late pictures; they were counted as skipped
                if number is not None:
                    self.video.skipped += number - self.next
                    self.next = number
            yield self.next, picture
            self.next += 1

    def _decoded_from(self, container: InputContainer, stream: VideoStream, start: int) -> Iterator[VideoFrame]:
        table = self.video.timetable if start else None
        if table is None:
            return self._decoded(container, stream)
        if start > len(table):
            raise past_the_end(self.video.name, len(table), start)
        self.by_time = True
        start = min(start, len(table) - 1)
        for key in range(table.key_before(start), 0, -1):
            container.seek(table.key_dts[key], stream=stream, backward=True)
            pictures = self._decoded(container, stream)
            first = next(pictures, None)
            if first is not None and first.pts is not None and first.pts <= table.pts[start]:
                self.next = table.number(first.pts) or 0
                return chain([first], pictures)
            container.seek(table.key_dts[0], stream=stream, backward=True)  # landed late: an earlier key frame
        return self._decoded(container, stream)

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        """Pictures in the order they are shown, until the file ends or, unless damage is to be skipped, breaks."""
        packets, failures, seen, last_is_whole = container.demux(stream), 0, 0, True
        while failures < GIVE_UP:
            packet = None
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                if packet.size:
                    last_is_whole = not packet.is_corrupt
                pictures = packet.decode()
            except BROKEN as error:
                failures += 1
                if seen or self.next or container.format.name not in JOINED_ANYWHERE:
                    self._damage(reason_of(error))
                if packet is None:  # the container broke, not the picture: read on from where it stands
                    packets = container.demux(stream)
                continue
            for picture in pictures:
                failures, seen = 0, seen + 1
                if picture.is_corrupt:
                    self._damage("a frame is marked as corrupt")
                self._check_size(picture)
                yield picture
        reason = self.video.header.cut_short or (None if last_is_whole else "its last frame is incomplete")
        if reason:
            self._damage(reason)
            if self.video.promised:
                self.video.skipped += max(0, self.video.promised - self.next)
        if not self.next and not seen:
            self._damage("no frame decodes")

    def _damage(self, reason: str) -> None:
        if self.on_damage == "stop":
            raise DamagedSource(self.video.name, self.next, self.video.promised, reason)
        self.by_time = True

    def _check_size(self, picture: VideoFrame) -> None:
        height, width = picture.height, picture.width
        if quarter_turns(picture) % 2:
            height, width = width, height
        if (height, width) != self.video.size:
            was = self.video.size
            raise InputError(
                f"{self.video.name} changes its size from {was[1]}x{was[0]} to {width}x{height} at frame {self.next}. "
                f"Make it one size: `ffmpeg -i IN -vf scale={was[1]}:{was[0]} OUT.mp4`."
            )
