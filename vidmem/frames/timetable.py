"""The time of every frame of a file, found by reading its packets without decoding them.

It turns frame numbers into time stamps and back, so that a frame reached by seeking has the very number it has when the
file is read from the beginning: the rank of its time stamp among the frames that are shown. Frames that an edit list
hides, or that the codec never shows, do not count.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from vidmem.frames.header import BROKEN, Header, opened

if TYPE_CHECKING:
    from av.packet import Packet


@dataclass(frozen=True, eq=False)
class Timetable:
    """16 bytes a frame at most: two hours of video are 3 MB."""

    pts: array[int]  # of every frame shown, ascending
    key_pts: array[int]  # of every key frame, ascending
    key_dts: array[int]  # where to seek for each
    time_base: Fraction

    def __len__(self) -> int:
        return len(self.pts)

    def number(self, pts: int | None) -> int | None:
        """Which frame has this time stamp; None when none has."""
        if pts is None:
            return None
        at = bisect_left(self.pts, pts)
        return at if at < len(self.pts) and self.pts[at] == pts else None

    def nearest(self, pts: float) -> int:
        """The frame whose time stamp is nearest."""
        at = bisect_left(self.pts, pts)
        return min((n for n in (at - 1, at) if 0 <= n < len(self.pts)), key=lambda n: abs(self.pts[n] - pts))

    def seconds(self, number: int) -> float:
        """Time since frame 0."""
        return float((self.pts[number] - self.pts[0]) * self.time_base)

    def key_before(self, number: int) -> int:
        """Which key frame, counted among key frames, decoding has to begin with to reach a frame; -1: the beginning."""
        return bisect_right(self.key_pts, self.pts[number]) - 1

    def restart_after(self, number: int) -> int | None:
        """The number of the first key frame behind frame `number`; None when there is none."""
        at = bisect_right(self.key_pts, self.pts[number]) if number < len(self.pts) else len(self.key_pts)
        return self.number(self.key_pts[at]) if at < len(self.key_pts) else None


def read_timetable(header: Header) -> Timetable | None:
    """The timetable of a file; None when its container gives no clear one (then frames have to be counted)."""
    pts: list[int] = []
    keys: list[tuple[int, int]] = []
    with opened(header.path) as container:
        try:
            for packet in container.demux(container.streams[header.stream]):
                if packet.size == 0 or (header.codec == "vp8" and not _vp8_is_shown(packet)):
                    continue
                if packet.pts is None:
                    return None
                if packet.is_keyframe:
                    keys.append((packet.pts, packet.pts if packet.dts is None else packet.dts))
                if not packet.is_discard:
                    pts.append(packet.pts)
        except BROKEN:
            pass  # the table then ends where the file breaks
    if header.first_pts is not None:  # leading frames that refer to what was cut away are never shown
        pts = [p for p in pts if p >= header.first_pts]
    pts.sort()
    keys.sort()
    if not pts or len(set(pts)) < len(pts):
        return None
    return Timetable(
        array("q", pts), array("q", (k for k, _ in keys)), array("q", (d for _, d in keys)), header.time_base
    )


def _vp8_is_shown(packet: Packet) -> bool:
    """VP8 stores its alternate reference pictures as packets of their own (RFC 6386, 9.1: show_frame)."""
    return bool(memoryview(packet)[0] >> 4 & 1)
