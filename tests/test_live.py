"""Sources that go on by themselves: lines that break and are opened again, cameras, pictures that come too fast."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import av
import numpy as np
import pytest

from vidmem.errors import DamagedSource, InputError, UsageError
from vidmem.frames import live, opencv, watch
from vidmem.frames.ahead import read_ahead
from vidmem.frames.live import Live, address, camera, is_address, is_camera

COUNT = 5


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """A bare H.264 stream, which like a line knows nothing of its own length."""
    path = tmp_path / "line.h264"
    with av.open(str(path), "w", format="h264") as out:
        stream = out.add_stream("libx264", rate=10, options={"bf": "0", "tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"  # type: ignore[attr-defined]
        for number in range(COUNT):
            picture = np.full((48, 64, 3), 20 + 40 * number, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))  # type: ignore[attr-defined]
        out.mux(stream.encode(None))  # type: ignore[attr-defined]
    return path


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """The waits between two tries, which are not waited for."""
    waited: list[float] = []
    monkeypatch.setattr(live, "sleep", waited.append)
    return waited


def test_a_line_that_ends_is_over_where_nothing_else_is_asked(line, waits):
    frames = list(Live(str(line), "line"))
    assert [frame.index for frame in frames] == list(range(COUNT)) and waits == []
    assert [frame.name for frame in frames[:2]] == ["00000", "00001"]


def test_a_line_that_breaks_is_opened_again_and_goes_on_counting(line, waits):
    frames = list(Live(str(line), "line", "skip").between(0, 2 * COUNT + 1))
    assert [frame.index for frame in frames] == list(range(2 * COUNT + 1)) and len(waits) == 2
    times = [frame.time for frame in frames]
    assert all(later >= sooner for sooner, later in pairwise(times)), "a new line begins no new clock"
    assert abs(int(frames[COUNT].image.float().mean()) - int(frames[0].image.float().mean())) < 4


def test_a_line_that_stays_away_is_given_up_after_longer_and_longer_waits(line, waits):
    source = Live(str(line), "line", "skip", tries=4, longest_wait=2.0)
    with pytest.raises(
        InputError, match=f"line broke off after {COUNT} frames and could not be opened again in 4 tries"
    ):
        for frame in source:
            if frame.index == COUNT - 1:
                line.unlink()
    assert waits == [0.5, 1.0, 2.0, 2.0]


def test_a_line_that_was_never_there_is_said_at_once(tmp_path, waits):
    with pytest.raises(InputError, match=r"line cannot be read \(No such file or directory\). Check the address"):
        next(iter(Live(str(tmp_path / "none"), "line", "skip")))
    assert waits == []


def test_only_the_frames_asked_for_are_taken(line):
    source = Live(str(line), "line")
    assert [frame.index for frame in source.between(1, 5, 2)] == [1, 3]
    assert list(source.between(3, 3)) == []
    with pytest.raises(InputError, match="has no frame 9: it has 5 frames"):
        list(source.between(9))
    with pytest.raises(InputError, match="cannot be read backwards"):
        source.between(3, None, -1)


def test_addresses_and_cameras_are_told_from_files():
    assert is_address("rtsp://host/x") and is_address("HTTP://host/x.mp4")
    assert not is_address("file:///x.mp4") and not is_address("clip.mp4") and not is_address("C:/clip.mp4")
    assert is_camera("0") and is_camera("/dev/video3") and not is_camera("0001") and not is_camera("clip0")
    with pytest.raises(UsageError, match="an address is read by pyav"):
        watch("rtsp://host/x", reader="opencv")


def test_a_password_is_in_no_message(waits):
    source = address("rtsp://user:secret@127.0.0.1:9/x")
    assert source.name == "rtsp://127.0.0.1:9/x" and source.options == {"rtsp_transport": "tcp"}
    with pytest.raises(InputError) as caught:
        next(iter(source))
    assert "secret" not in str(caught.value) and "127.0.0.1:9" in str(caught.value)


def test_a_camera_that_is_not_there_names_those_that_are():
    with pytest.raises(InputError, match=r"There is no camera 97 .*write ./97"):
        camera("97")


class Shutter:
    """An OpenCV camera of three grey pictures."""

    pictures = 3

    def __init__(self, number: int):
        self.read_so_far, self.is_open = 0, True
        Shutter.latest = self

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.read_so_far += 1
        if self.read_so_far > self.pictures:
            return False, None
        return True, np.full((8, 10, 3), self.read_so_far, np.uint8)

    def release(self) -> None:
        self.is_open = False


@pytest.fixture
def shutter(monkeypatch) -> type[Shutter]:
    fake = SimpleNamespace(VideoCapture=Shutter, cvtColor=lambda pixels, _: pixels, COLOR_BGR2RGB=0)
    monkeypatch.setattr(opencv, "import_cv2", lambda: fake)
    monkeypatch.setattr(Shutter, "pictures", 3)
    return Shutter


def test_a_camera_through_opencv_gives_what_is_asked_and_is_let_go(shutter):
    source = camera("0", reader="opencv")
    assert [int(frame.image[0, 0, 0]) for frame in source.between(0, 3, 2)] == [1, 3]
    assert not Shutter.latest.is_open and source.size == (8, 10)


def test_a_camera_that_falls_silent_is_damage_and_one_that_never_spoke_an_error(shutter):
    with pytest.raises(DamagedSource, match="3 frames were read"):
        list(camera("0", reader="opencv"))
    assert not Shutter.latest.is_open
    shutter.pictures = 0
    with pytest.raises(InputError, match="gives no picture"):
        list(camera("0", reader="opencv"))


def test_a_slow_reader_of_a_live_source_is_given_the_newest():
    made = Event()

    def fast() -> Iterator[int]:
        yield from range(20)
        made.set()

    reading = read_ahead(fast(), depth=3, newest=True)
    first = next(reading)
    assert made.wait(10)
    assert [first, *reading][-3:] == [17, 18, 19]


def test_a_slow_reader_of_a_file_is_given_everything():
    assert list(read_ahead(iter(range(20)), depth=3)) == list(range(20))
