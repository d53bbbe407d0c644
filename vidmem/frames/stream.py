"""What `watch` hands out: a source with its choice of frames, read ahead, renumbered from 0."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import replace

from vidmem.frames import Source
from vidmem.frames.ahead import read_ahead
from vidmem.frames.order import check_range, past_the_end
from vidmem.values import Frame


class Stream:
    """A Source over another: its frames range(start, stop, every), counted from 0."""

    def __init__(self, source: Source, every: int = 1, start: int = 0, stop: int | None = None, ahead: int = 4):
        self.source, self._numbers, self._ahead = source, (start, stop, every), ahead
        self._open: weakref.WeakSet[Iterator[Frame]] = weakref.WeakSet()
        self.name, self.seekable = source.name, source.seekable
        self.promised = None if source.promised is None else len(range(source.promised)[start:stop:every])

    @property
    def size(self) -> tuple[int, int] | None:
        return self.source.size

    @property
    def rate(self) -> float | None:
        """Frames delivered per second."""
        return self.source.rate and self.source.rate / self._numbers[2]

    @property
    def live(self) -> bool:
        """Whether the source goes on by itself and knows nothing of frames gone by."""
        return bool(getattr(self.source, "live", False))

    @property
    def skipped(self) -> int:
        """Frames of the source lost to damage in the latest reading."""
        return self.source.skipped

    def __iter__(self) -> Iterator[Frame]:
        return self.between()

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        check_range(start, step)
        first, last, every = self._numbers
        begin, end = first + start * every, None if stop is None else first + stop * every
        if last is not None and (begin > last or (step < 0 and begin == last)):
            raise past_the_end(self.name, len(range(first, last, every)), start)
        if step > 0:
            end = last if end is None else end if last is None else min(end, last)
        elif end is None or end < first:
            end = first - 1
        frames = self.source.between(begin, end, every * step)
        reading = self._renumbered(read_ahead(frames, self._ahead, self.live), start, step)
        self._open.add(reading)
        return reading

    def close(self) -> None:
        """Ends every reading and lets go of the source."""
        for reading in list(self._open):
            reading.close()  # type: ignore[attr-defined]  # they are generators
        self.source.close()

    def _renumbered(self, frames: Iterator[Frame], start: int, step: int) -> Iterator[Frame]:
        try:
            for count, frame in enumerate(frames):
                yield replace(frame, index=start + count * step)
        finally:
            frames.close()  # type: ignore[attr-defined]  # now, not when it is collected: the thread ends here
