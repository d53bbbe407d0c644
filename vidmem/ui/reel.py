"""Reads single frames for the eye: the next one is read on, any other is sought. Nothing but the latest is held."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from vidmem.errors import InputError
from vidmem.frames import Source
from vidmem.values import Frame

NEAR = 12  # frames that are rather read over than sought


class Reel:
    """One reading head over a source that can be read again."""

    def __init__(self, source: Source) -> None:
        self.source, self._lock = source, threading.Lock()
        self._reading: Iterator[Frame] | None = None
        self._latest: Frame | None = None

    def at(self, index: int) -> Frame:
        """Frame `index`. Raises InputError when the video has none of that number."""
        with self._lock:
            if self._latest is not None and self._latest.index == index:
                return self._latest
            ahead = None if self._latest is None else index - self._latest.index
            if self._reading is None or ahead is None or not 0 < ahead <= NEAR:
                self._stop()
                self._reading = iter(self.source.between(index, None))
            for frame in self._reading:
                if frame.index == index:
                    self._latest = frame
                    return frame
            self._stop()
            self._latest = None
        promised = f" It has {self.source.promised}." if self.source.promised else ""
        raise InputError(f"{self.source.name} has no frame {index}.{promised} The first frame is 0.")

    def _stop(self) -> None:
        close = getattr(self._reading, "close", None)
        self._reading = None
        if close is not None:
            close()

    def close(self) -> None:
        with self._lock:
            self._stop()
            self._latest = None
