"""A video that grows picture by picture, H.264, at the pictures' own times; whole at any moment, like all results."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidmem.errors import UsageError
from vidmem.saving import GrowingFile, hidden, make_folder, refusal

if TYPE_CHECKING:
    from av.video.stream import VideoStream

CLOCK = 90_000  # ticks a second, as broadcast video counts: all usual frame rates fall on or near a tick
BT709 = 1  # the number of the colour space, primaries and transfer curve in H.264
STUDIO_RANGE = 1  # luma 16..235: what players expect
# Every frame is a fragment of its own, so a killed run leaves a video up to its last frame. No list of fragments is
# kept for the end, since it would grow with the frames.
FRAGMENTS = "frag_every_frame+empty_moov+default_base_moof+skip_trailer"
# Without look-ahead and B-frames nothing waits inside the encoder, and frames are stored in the order of their times.
ENCODER = {"preset": "superfast", "tune": "zerolatency", "crf": "21", "bf": "0", "g": "60"}
THREADS = 2


class Fragments:
    """What the muxer writes to: hands over what has come since the last time, which is whole fragments."""

    def __init__(self) -> None:
        self._come = bytearray()

    def write(self, part: bytes) -> int:
        self._come += part
        return len(part)

    def take(self) -> bytes:
        taken, self._come = bytes(self._come), bytearray()
        return taken


class VideoFile:
    """Frames keep their times, uneven ones too, counted from the first frame written. A frame that is not later than
    the one before (a run backwards, pictures without times) follows it by the latest interval.

    Width and height are brought to even numbers by repeating the last column or row, never by scaling. A frame of
    another size than the first is cut or filled with black at its right and lower edge. A killed run leaves a video
    that plays up to its last frame but one. Closing turns the fragments into an ordinary MP4 with its index in front,
    for editors and players that want one.
    """

    def __init__(self, path: Path) -> None:
        self.path = make_folder(Path(path).parent) / Path(path).name
        self._file: GrowingFile | None = None
        try:
            self.path.unlink(missing_ok=True)  # an earlier run's; the first frame tells the size of the new one
        except OSError as error:
            raise refusal(self.path, error) from error

    def write(self, picture: np.ndarray, time: float) -> None:
        """picture (H, W, 3) uint8 RGB, time in seconds. Raises InputError when the disk refuses; the file holds the
        pictures before."""
        if self._file is None:
            self._begin(picture, time)
        self._encode(picture, self._tick(time))

    def _begin(self, picture: np.ndarray, time: float) -> None:
        import av
        from av.codec.codec import UnknownCodecError
        from av.video.reformatter import VideoReformatter

        height, width = picture.shape[0] + picture.shape[0] % 2, picture.shape[1] + picture.shape[1] % 2
        self._size = height, width
        self._start = time
        self._last, self._step = -1, CLOCK // 25
        self._reformatter = VideoReformatter()
        self._fragments = Fragments()
        options = {"movflags": FRAGMENTS, "flush_packets": "1"}
        self._container = av.open(self._fragments, "w", format="mp4", options=options)
        try:
            self._stream: VideoStream = self._container.add_stream("libx264", options=ENCODER)
        except UnknownCodecError as error:
            raise UsageError(
                f"{self.path.name} needs the H.264 encoder libx264, which this PyAV lacks. Install its wheel "
                "(pip install av), or leave mp4 out of --formats."
            ) from error
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        codec: Any = self._stream.codec_context
        self._stream.time_base = codec.time_base = Fraction(1, CLOCK)
        codec.thread_count = THREADS
        codec.colorspace = codec.color_primaries = codec.color_trc = BT709
        codec.color_range = STUDIO_RANGE
        self._file = GrowingFile(self.path)

    def _tick(self, time: float) -> int:
        """When the frame is shown, after the frame before in any case."""
        tick = round((time - self._start) * CLOCK)
        if tick > self._last >= 0:
            self._step = tick - self._last
        elif tick <= self._last:
            tick = self._last + self._step
        self._last = tick
        return tick

    def _encode(self, picture: np.ndarray, tick: int) -> None:
        import av
        from av.video.reformatter import ColorRange, Colorspace

        shown = av.VideoFrame.from_ndarray(fit(picture, self._size), format="rgb24")
        frame = self._reformatter.reformat(
            shown, format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        frame.pts, frame.time_base = tick, Fraction(1, CLOCK)
        self._container.mux(self._stream.encode(frame))
        self._save()

    def _save(self) -> None:
        assert self._file is not None
        self._file.append(self._fragments.take())

    def close(self) -> None:
        if self._file is None:
            return
        self._container.mux(self._stream.encode())
        self._container.close()
        try:
            self._save()
        finally:
            self._file.close()
            self._file = None
        self._defragment()

    def _defragment(self) -> None:
        """Copies the packets into an ordinary MP4. Without room for a second copy the fragments stay: they play too."""
        import av
        from av.error import FFmpegError

        part = hidden(self.path)
        try:
            with (
                av.open(str(self.path)) as old,
                av.open(str(part), "w", format="mp4", options={"movflags": "faststart"}) as new,
            ):
                stream = new.add_stream_from_template(old.streams.video[0])
                for packet in old.demux(video=0):
                    if packet.dts is not None:
                        packet.stream = stream
                        new.mux(packet)
            part.replace(self.path)
        except (FFmpegError, OSError):
            part.unlink(missing_ok=True)


def fit(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture at (H, W) without scaling: cut, one missing row or column repeated, more filled with black."""
    height, width = size
    picture = picture[:height, :width]
    down, right = height - picture.shape[0], width - picture.shape[1]
    if down > 1 or right > 1:
        return np.pad(picture, ((0, down), (0, right), (0, 0)))
    return np.pad(picture, ((0, down), (0, right), (0, 0)), mode="edge") if down or right else picture
