"""Addresses and cameras, which go on by themselves and cannot be wound back: PyAV with time limits and reconnection.

Frame.time follows the sender's time stamps. After a reconnection it goes on from the clock on the wall, so a gap in the
stream is a gap in time. Frame.name counts the frames received, those dropped for lateness too.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

import av

from vidmem.errors import DamagedSource, InputError
from vidmem.frames import OnDamage, Source
from vidmem.frames.header import BROKEN, reason_of
from vidmem.frames.order import one_way, passing
from vidmem.frames.pyav import upright
from vidmem.values import Frame

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

WEB = ("http", "https", "ftp", "ftps")  # may be a finite file


@dataclass
class Live:
    """A live stream as a Source. It is opened when it is first read.

    on_damage="stop": a line that breaks raises DamagedSource. "skip": it is opened again, after longer and longer
    waits; when `tries` in a row fail, InputError. Packets garbled on the way are dropped and counted in `skipped`.
    """

    place: str  # what FFmpeg opens
    name: str
    on_damage: OnDamage = "stop"
    format: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    open_within: float = 15.0  # seconds
    read_within: float = 15.0  # seconds of silence that count as a broken line
    tries: int = 10
    longest_wait: float = 30.0  # seconds between two tries
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
        """A reading closes its own line."""

    def _forward(self, start: int, stop: int | None, step: int) -> Iterator[Frame]:
        self.skipped = 0
        for number, (picture, time) in passing(self._pictures(), self.name, start, stop, step):
            yield Frame(number, upright(picture), time, f"{number:05d}")

    def _pictures(self) -> Iterator[tuple[VideoFrame, float]]:
        read, failed, began, offset = 0, 0, 0.0, 0.0
        while True:
            reason, is_over = "", False  # is_over: nothing more is to come, and that is no damage
            try:
                with av.open(
                    self.place, format=self.format, options=self.options, timeout=(self.open_within, self.read_within)
                ) as container:
                    finite = container.duration is not None or self.place.split(":")[0].lower() in WEB
                    first: float | None = None
                    for picture in self._decoded(container):
                        now = monotonic()
                        if not read:
                            began = now
                        stamp = picture.time if picture.pts is not None else now - began
                        if first is None:
                            first, offset = stamp, now - began
                        read, failed = read + 1, 0
                        yield picture, offset + stamp - first
                    reason, is_over = "the sender ended it", finite or self.on_damage == "stop"
            except BROKEN as error:
                reason = reason_of(error)
            if is_over and read:
                return
            if not read:
                raise InputError(f"{self.name} cannot be read ({reason}). {self._cure()}")
            if self.on_damage == "stop":
                raise DamagedSource(self.name, read, None, reason)
            failed += 1
            if failed > self.tries:
                raise InputError(
                    f"{self.name} broke off after {read} frames and could not be opened again in {self.tries} tries "
                    f"({reason}). {self._cure()}"
                )
            sleep(min(self.longest_wait, 0.5 * 2 ** (failed - 1)))

    def _decoded(self, container: InputContainer) -> Iterator[VideoFrame]:
        if not container.streams.video:
            raise InputError(f"{self.name} has no video stream. Give the address of one that has.")
        stream = container.streams.video[0]
        stream.thread_type = "SLICE"  # frame threads would hold pictures back
        rate = stream.average_rate or stream.guessed_rate
        self.rate = float(rate) if rate else None
        for packet in container.demux(stream):
            try:
                pictures = packet.decode()
            except BROKEN:
                self.skipped += 1  # a line loses packets, and one joins it between two key frames
                continue
            for picture in pictures:
                self._check_size(picture)
                yield picture

    def _check_size(self, picture: VideoFrame) -> None:
        turned = round(picture.rotation / 90) % 2
        size = (picture.width, picture.height) if turned else (picture.height, picture.width)
        if self.size is not None and size != self.size:
            raise InputError(
                f"{self.name} changed its size from {self.size[1]}x{self.size[0]} to {size[1]}x{size[0]}. Start again."
            )
        self.size = size

    def _cure(self) -> str:
        if self.format:
            return "Check that no other program uses the camera and that you may read it."
        return "Check the address, the network and any password; `ffplay ADDRESS` should show it."


def is_address(source: str) -> bool:
    """Whether a source is an address such as rtsp://host/path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", source) is not None and not source.lower().startswith("file://")


def address(url: str, on_damage: OnDamage = "stop") -> Live:
    """A stream on the network. Passwords in the address are kept out of messages."""
    scheme = url.split(":")[0].lower()
    options: dict[str, str] = {}
    if scheme in ("rtsp", "rtsps"):
        options = {"rtsp_transport": "tcp"}  # UDP loses packets, which shows as smeared pictures
    elif scheme in ("http", "https") and on_damage == "skip":
        options = {"reconnect": "1", "reconnect_streamed": "1", "reconnect_delay_max": "5"}
    return Live(url, re.sub(r"//[^/@]*@", "//", url), on_damage, None, options)


def is_camera(source: str) -> bool:
    """Whether a source is a camera: its number or its device file."""
    return re.fullmatch(r"\d{1,3}|/dev/video\d+", source) is not None


def camera(source: str, on_damage: OnDamage = "stop", reader: str = "pyav") -> Source:
    """A camera by its number or device file: through PyAV on Linux, else (or by choice) through OpenCV."""
    number = int(re.sub(r"\D", "", source))
    if reader == "opencv" or not sys.platform.startswith("linux"):
        from vidmem.frames.opencv import OpencvCamera

        return OpencvCamera(str(number), f"camera {number}", on_damage)
    device = f"/dev/video{number}"
    if not os.path.exists(device):
        there = sorted(str(p) for p in Path("/dev").glob("video[0-9]*"))
        raise InputError(
            f"There is no camera {number} ({device}). Cameras here: {', '.join(there) or 'none'}. For a file or folder "
            f"named {source}, write ./{source}."
        )
    return Live(device, f"camera {number}", on_damage, "v4l2")
