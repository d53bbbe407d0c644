"""Every odd video either is followed or is refused in one clear line; none hangs, none ends in a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("VIDMEM_DATA") or ".")
VIDEOS = sorted(p for p in (DATA / "videos").glob("*/*") if p.suffix != ".txt")


@pytest.mark.real
@pytest.mark.parametrize("video", VIDEOS or [None], ids=lambda video: video.name if video else "none")
def test_an_odd_video_is_followed_or_refused_in_one_line(video, data, tmp_path):
    out = tmp_path / "out"
    arguments = ["track", str(video), "--point", "0:60,60", "--frames", "40", "--out", str(out), "--formats", "png,csv,mp4"]
    done = subprocess.run(
        [sys.executable, "-m", "vidmem", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert "Traceback" not in done.stderr
    frames = len(list((out / "masks").glob("*.png")))
    if done.returncode == 0:
        assert frames > 0 and (out / "overlay.mp4").stat().st_size > 1000
        return
    assert done.returncode == 3 and len(done.stderr.strip().splitlines()) == 1, done.stderr
    if video.name == "corrupted.mp4":
        assert frames == 28 and "28 frames were read of the 50" in done.stderr
    else:
        pytest.fail(f"{video.name} was refused: {done.stderr}")
