"""Every odd video either is followed or is refused in one clear line; none hangs, none ends in a traceback."""

import os
import signal
from pathlib import Path

import pytest

from vidmem.__main__ import main

DATA = Path(os.environ.get("VIDMEM_DATA") or ".")
VIDEOS = sorted(p for p in (DATA / "videos").glob("*/*") if p.suffix != ".txt")
PATIENCE = 240  # seconds, after which a video counts as hanging


@pytest.fixture(autouse=True)
def no_hang():
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)


@pytest.mark.real
@pytest.mark.parametrize("video", VIDEOS or [None], ids=lambda video: video.name if video else "none")
def test_an_odd_video_is_followed_or_refused_in_one_line(video, data, tmp_path, capsys):
    out = tmp_path / "out"
    asked = ["--point", "0:60,60", "--frames", "30", "--out", str(out), "--formats", "png,csv,mp4"]
    code = main(["track", str(video), *asked])
    complaint = capsys.readouterr().err
    frames = len(list((out / "masks").glob("*.png")))
    if video.name == "corrupted.mp4":
        assert code == 3 and frames == 28 and "28 frames were read of the 50" in complaint
        assert len(complaint.strip().splitlines()) == 1
        return
    assert code == 0, complaint
    assert frames > 0 and (out / "overlay.mp4").stat().st_size > 1000
