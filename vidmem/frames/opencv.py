"""Video files and cameras by OpenCV.

OpenCV says only "no more frames", at the end as at a damage; which it was is found from the timetable. Times are its
POS_MSEC, good to a thousandth of a second or better. Its seeking is not exact, so where it landed is read off the time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from time import monotonic
from typing import Any

from vidmem.errors import DamagedSource, InputError, UsageError
from vidmem.frames import OnDamage
from vidmem.frames.header import read_header
from vidmem.frames.order import one_way, ordered, passing, past_the_end
from vidmem.frames.pictures import from_pixels
from vidmem.frames.timetable import Timetable, read_timetable
from vidmem.values import Frame


class OpencvVideo:
    """A video file as a Source. Raises UsageError without OpenCV, InputError for a file it cannot read."""

    seekable = True

    def __init__(self, path: str | os.PathLike[str], on_damage: OnDamage = "stop"):
        self._cv2 = import_cv2()
        self.header = read_header(path)
        self.name, self.promised = self.header.path, self.header.promised
        self.size, self.rate = self.header.size, self.header.rate
        self.skipped = 0
        self._on_damage = on_damage

    def __iter__(self) -> Iterator[Frame]:
        return self._forward(0, None, 1)

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        if self.timetable and (start > len(self.timetable) or (step < 0 and start == len(self.timetable))):
            raise past_the_end(self.name, len(self.timetable), start)
        return ordered(self._forward, start, stop, step, self.size)

    def close(self) -> None:
        """Nothing stays open between readings."""

    @cached_property
    def timetable(self) -> Timetable | None:
        return read_timetable(self.header)

    def _forward(self, start: int, stop: int | None, step: int) -> Iterator[Frame]:
        cv2, self.skipped = self._cv2, 0
        video, number = self._opened_at(start)
        whole_from = 0  # behind a damage: the key frame to go on from
        try:
            while stop is None or number < stop:
                if not video.grab():
                    restart = self._after_the_last(video, number, whole_from)
                    if restart is None:
                        break
                    self.skipped += restart - max(number, whole_from)
                    whole_from = restart  # always a later one, so this ends
                    video.release()
                    video, number = self._opened_at(restart)
                    continue
                if number >= max(start, whole_from) and (number - start) % step == 0:
                    is_whole, pixels = video.retrieve()
                    if is_whole:
                        time = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
                        yield Frame(number, self._picture(pixels), time, f"{number:05d}")
                number += 1
        finally:
            video.release()
        if number < start and (stop is None or start < stop):
            raise past_the_end(self.name, number, start)

    def _picture(self, pixels: Any) -> Any:
        height, width = pixels.shape[:2]
        if (height, width) != self.size:
            raise InputError(
                f"OpenCV gives {self.name} as {width}x{height}, its header says {self.header.size[1]}x"
                f"{self.header.size[0]}. Use --reader pyav."
            )
        return from_pixels(self._cv2.cvtColor(pixels, self._cv2.COLOR_BGR2RGB))

    def _opened_at(self, start: int) -> tuple[Any, int]:
        """The file opened so that the next frame is number `start`, or one before it."""
        cv2 = self._cv2
        margin = 1
        while start and self.timetable and margin < start:
            video = self._opened()
            video.set(cv2.CAP_PROP_POS_FRAMES, start - margin)
            landed = self._number(video) if video.grab() else None
            if landed is not None and landed < start:
                return video, landed + 1
            video.release()
            margin *= 4
        return self._opened(), 0

    def _opened(self) -> Any:
        cv2 = self._cv2
        video = cv2.VideoCapture(self.name, cv2.CAP_FFMPEG)
        if not video.isOpened():
            raise InputError(f"OpenCV cannot open {self.name}. Use --reader pyav, which reads more.")
        video.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        return video

    def _number(self, video: Any) -> int | None:
        """Which frame was grabbed last, by its time."""
        table = self.timetable
        if table is None:
            return None
        pts = table.pts[0] + video.get(self._cv2.CAP_PROP_POS_MSEC) / 1000 / float(table.time_base)
        number = table.nearest(pts)
        within = 0.0015 / float(table.time_base)  # containers count milliseconds; allow for one and rounding
        return number if abs(table.pts[number] - pts) <= within else None

    def _after_the_last(self, video: Any, number: int, whole_from: int) -> int | None:
        """Called when no frame comes: the number to go on with behind a damage, None at the end."""
        if number == whole_from == 0:
            raise InputError(f"OpenCV decodes no frame of {self.name} (codec {self.header.codec}). Use --reader pyav.")
        reason = self.header.cut_short
        if reason is None and number == self.promised:
            return None
        table = self.timetable
        reached = self._number(video)
        if table is None:
            missing = (self.promised or 0) - number
        else:
            missing = 0 if reached == len(table) - 1 else len(table) - number
        if reason is None and missing <= 0:
            return None
        if self._on_damage == "stop":
            raise DamagedSource(self.name, number, self.promised, reason or "OpenCV gives no reason")
        restart = table.restart_after(max(number, whole_from)) if table else None
        if restart is None:
            self.skipped += max(0, (self.promised or (len(table) if table else 0)) - max(number, whole_from))
        return restart


@dataclass
class OpencvCamera:
    """A camera through OpenCV, for systems where PyAV finds none. Times are the clock's."""

    place: str
    name: str
    on_damage: OnDamage = "stop"
    promised: int | None = None
    size: tuple[int, int] | None = None
    rate: float | None = None
    skipped: int = 0
    seekable: bool = False
    live: bool = True

    def __iter__(self) -> Iterator[Frame]:
        return self.between()

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        one_way(self.name, start, step)
        return self._forward(start, stop, step)

    def close(self) -> None:
        """A reading closes its own camera."""

    def _forward(self, start: int, stop: int | None, step: int) -> Iterator[Frame]:
        cv2 = import_cv2()
        for number, (pixels, time) in passing(self._pictures(cv2), self.name, start, stop, step):
            frame = Frame(number, from_pixels(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)), time, f"{number:05d}")
            self.size = frame.size
            yield frame

    def _pictures(self, cv2: Any) -> Iterator[tuple[Any, float]]:
        """Every picture and its time."""
        video, began = cv2.VideoCapture(int(self.place)), None
        try:
            for read in count():
                is_whole, pixels = video.read()
                if not is_whole and read == 0:
                    raise InputError(
                        f"{self.name} gives no picture. Check that it is plugged in and used by nobody else."
                    )
                if not is_whole:
                    raise DamagedSource(self.name, read, None, "the camera fell silent")
                began = monotonic() if began is None else began
                yield pixels, monotonic() - began
        finally:
            video.release()


def import_cv2() -> Any:
    """OpenCV, quiet. Raises UsageError naming the cure when it is absent."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # what FFmpeg would print, our errors say in one line
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    try:
        import cv2
    except ImportError as missing:
        raise UsageError("The reader opencv needs OpenCV: pip install 'vidmem[opencv]'") from missing
    return cv2
