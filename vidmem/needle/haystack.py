"""A haystack with a needle in it, made while it is read: no cell needs a file, and none is held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from vidmem.errors import InputError, UsageError
from vidmem.frames import watch
from vidmem.frames.order import passing
from vidmem.needle.needles import Needle, fitted
from vidmem.needle.plan import Cell
from vidmem.values import Frame

RATE = 5  # frames a second, as the published haystacks are written


class Haystack:
    """A source of frames at an even rate.

    Hay is taken from the videos one after the other, from the first again when it does not suffice, by time, and fitted
    to the size of the first. A picture or clip is put between two seconds, so the video is one longer; a line is
    written over the second it is put at (over the last one, at 100 per cent).
    """

    seekable, skipped = False, 0

    def __init__(self, hay: Sequence[str], cell: Cell, needle: Needle | None, rate: int = RATE):
        if not hay:
            raise UsageError("A haystack needs a video or more.")
        if rate < 1:
            raise UsageError(f"A haystack has a frame a second or more, not {rate}.")
        self.hay, self.cell, self.needle, self.ticks = list(hay), cell, needle, rate
        self.rate = float(rate)
        self.size: tuple[int, int] | None = None
        self.name = f"{cell.length} s, {cell.depth} %"
        self.promised: int | None = rate * self.seconds

    @property
    def seconds(self) -> int:
        """How long it is, with the needle."""
        return self.cell.length + (self.needle is not None and self.needle.pictures is not None)

    @property
    def needle_second(self) -> int:
        """The second that is the needle."""
        over = self.needle is not None and self.needle.pictures is None
        return min(self.cell.second, self.cell.length - 1) if over else self.cell.second

    def __iter__(self) -> Iterator[Frame]:
        return self.between()

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """Only forwards and from the beginning on: earlier frames are made and passed over."""
        if step < 1:
            raise UsageError("A haystack is read forwards: step is 1 or more.")
        for index, image in passing(self._images(), self.name, start, stop, step):
            yield Frame(index, image, index / self.ticks)

    def _images(self) -> Iterator[Tensor]:
        hay, at = self._hay(), self.needle_second
        latest: Tensor | None = None
        for second in range(self.seconds):
            if second == at and self.needle is not None:
                first = next(hay) if latest is None or self.needle.pictures is None else latest
                yield from self.needle.frames(first, self.ticks)
                if self.needle.pictures is None:
                    for _ in range(self.ticks - 1):
                        next(hay)  # the seconds behind a written line go on where the clock is
                elif latest is None:
                    hay = self._hay()  # a picture at the very beginning: the hay begins behind it, whole
                    latest = first
                continue
            for _ in range(self.ticks):
                latest = next(hay)
                yield latest

    def _hay(self) -> Iterator[Tensor]:
        """For ever."""
        while True:
            given = 0
            for name in self.hay:
                video, due = watch(name), 0.0
                try:
                    for frame in video:
                        if frame.time + 1e-6 >= due:
                            self.size = self.size or frame.size
                            given, due = given + 1, due + 1 / self.ticks
                            yield frame.image if frame.size == self.size else fitted(frame.image, self.size)
                finally:
                    video.close()
            if not given:
                raise InputError(f"{', '.join(self.hay)}: no frames, so no hay.")

    def close(self) -> None:
        pass
