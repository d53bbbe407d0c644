"""What a video file says of itself before it is read. One look for every reader, so that all refuse the same files in
the same words and agree on which stream is meant, how it is turned and how many frames are promised."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError

from vidmem.errors import InputError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

BROKEN = (FFmpegError, OSError, ValueError)  # what PyAV raises when a file or a line is not what it should be
PATIENCE = (20.0, 20.0)  # seconds to open and to read: a playlist that waits for more must not hang us
MATROSKA_SEGMENT = b"\x18\x53\x80\x67"


@dataclass(frozen=True)
class Header:
    """A video file's account of itself."""

    path: str
    stream: int  # index of the first video stream that is no cover picture
    video_streams: int  # how many of those there are
    codec: str
    container: str
    size: tuple[int, int]  # (H, W) as shown, after rotation
    quarter_turns: int  # to turn the stored picture by, counter-clockwise
    rate: float | None  # average frames per second
    promised: int | None  # frames the container counts, less those its edit list hides
    first_pts: int | None
    time_base: Fraction
    cut_short: str | None  # why the file cannot be whole, judged by its length

    def seconds(self, pts: int | None, number: int) -> float:
        """Time of a frame since frame 0; by the average rate where the container gives no time stamps."""
        if pts is None or self.first_pts is None:
            return number / (self.rate or 24.0)
        return float((pts - self.first_pts) * self.time_base)


def read_header(path: str | os.PathLike[str]) -> Header:
    """The header of a video file. Raises InputError for whatever is none."""
    path = os.fspath(path)
    _check_file(path)
    with opened(path) as container:
        streams = [s for s in container.streams.video if not _is_cover(s)]
        if not streams:
            has = "sound but no pictures" if container.streams.audio else "no video stream"
            raise InputError(f"{path} has {has}. Give a file with a video stream, or a folder of images.")
        stream = streams[0]
        promised, cut_short = _count(path, container, stream)
        rate, time_base = stream.average_rate or stream.guessed_rate, stream.time_base or Fraction(1, 1000)
        codec, name = stream.codec_context.name, container.format.name
        height, width = stream.codec_context.height, stream.codec_context.width
        first = _first_frame(container, stream)
        turns = quarter_turns(first) if first is not None else 0
        if first is not None:
            height, width = first.height, first.width
        return Header(
            path,
            stream.index,
            len(streams),
            "av1" if "av1" in codec or "dav1d" in codec else codec,
            name,
            (width, height) if turns % 2 else (height, width),
            turns,
            float(rate) if rate else None,
            promised,
            first.pts if first is not None else None,
            time_base,
            cut_short,
        )


@contextmanager
def opened(path: str) -> Iterator[InputContainer]:
    """The file opened by PyAV; InputError in one line where it cannot be."""
    try:
        container = av.open(path, timeout=PATIENCE)
    except BROKEN as error:
        raise InputError(_not_a_video(path, error)) from error
    try:
        yield container
    finally:
        container.close()


def quarter_turns(frame: VideoFrame) -> int:
    """Quarters to turn the stored picture counter-clockwise by, for it to stand upright (display matrix)."""
    return round(frame.rotation / 90) % 4


def reason_of(error: BaseException) -> str:
    """What FFmpeg said, without its number and the file's name."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]


def _check_file(path: str) -> None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise InputError(no_such_place(path)) from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be opened ({reason_of(error)}). Check the path and its permissions."
        ) from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path} is neither a file nor a folder. Save the stream to a file, or give its address.")
    if status.st_size == 0:
        raise InputError(f"{path} is empty (0 bytes). Copy or download it again.")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} may not be read by this user. Change its permissions.")


def no_such_place(path: str) -> str:
    """The line for a path that leads nowhere, with the nearest name in its folder."""
    folder = Path(path).parent
    names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
    near = get_close_matches(Path(path).name, names, n=1)
    hint = f" Did you mean {folder / near[0]}?" if near else ""
    return (
        f"There is no {path}.{hint} A source is a video file, a folder of images, an address (rtsp://...) or the "
        "number of a camera."
    )


def _not_a_video(path: str, error: BaseException) -> str:
    if isinstance(error, PermissionError):
        return f"{path} may not be read by this user. Change its permissions."
    with open(path, "rb") as file:
        is_mp4 = file.read(8)[4:] == b"ftyp"
    if is_mp4:
        return (
            f"{path} has no usable index (moov): its recording or download was cut off. Copy it again, or rebuild the "
            "index with a repair tool such as untrunc."
        )
    return (
        f"{path} is not a video that FFmpeg knows ({reason_of(error)}). Check that a player shows it; if one does, "
        "convert it: `ffmpeg -i IN out.mp4`."
    )


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & stream.disposition.attached_pic)


def _first_frame(container: InputContainer, stream: VideoStream) -> VideoFrame | None:
    """The first frame that decodes; None if the file's beginning does not."""
    try:
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    return frame
            except BROKEN:
                if container.format.name not in JOINED_ANYWHERE:
                    return None
    except BROKEN:
        return None
    return None


JOINED_ANYWHERE = {"mpegts", "mpeg", "h264", "hevc", "mpegvideo", "m4v"}  # may begin amid a picture: no damage


def _count(path: str, container: InputContainer, stream: VideoStream) -> tuple[int | None, str | None]:
    """Frames promised, and why the file cannot be whole (None if it may be)."""
    length = os.path.getsize(path)
    if container.format.name.startswith("mov") and stream.frames:
        entries = list(stream.index_entries)
        end = max((e.pos + e.size for e in entries), default=0)
        return sum(not e.is_discard for e in entries) or None, _shortfall(length, end)
    if container.format.name.startswith("matroska"):
        return None, _shortfall(length, _matroska_end(path))
    if container.format.name == "avi":
        with open(path, "rb") as file:
            return stream.frames or None, _shortfall(length, int.from_bytes(file.read(8)[4:], "little"))
    return stream.frames or None, None


def _shortfall(length: int, end: int) -> str | None:
    return f"the file is cut off: it has {length:,} bytes, its header speaks of {end:,}" if end > length else None


def _matroska_end(path: str) -> int:
    """Where a Matroska or WebM file's segment should end; 0 when the file does not say, as in a live recording."""
    with open(path, "rb") as file:
        head = file.read(4096)
    at = head.find(MATROSKA_SEGMENT) + 4
    if at < 4 or at >= len(head) or not head[at]:
        return 0
    width = 9 - head[at].bit_length()  # the size is a number of 1 to 8 bytes; its leading zero bits say how many
    value = int.from_bytes(head[at : at + width], "big") & ((1 << 7 * width) - 1)
    unknown = (1 << 7 * width) - 1
    return 0 if value == unknown else at + width + value
