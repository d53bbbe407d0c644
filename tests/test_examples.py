"""A bank in a package of its own is installed and found, and keeps the promises that ours keep."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "vidmem-keyframes"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment in which the example is installed beside vidmem."""
    place = tmp_path_factory.mktemp("site")
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*uv, "--target", str(place), "--python", sys.executable, str(EXAMPLE)], check=True)
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(place), str(ROOT)))}


def run(installed, *arguments, cwd=ROOT):
    done = subprocess.run([sys.executable, *arguments], env=installed, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_video_is_followed_with_the_memory_of_another_package(installed, tmp_path):
    card = EXAMPLE / "keyframes.toml"
    asked = ["track", "demo:koi", "--frames", "8", "--model", "toy", "--formats", "png", "--out", str(tmp_path / "out")]
    run(installed, "-m", "vidmem", *asked, "--tracker", str(card), "--set", "bank.frames=3")
    assert len(list((tmp_path / "out" / "masks").glob("*.png"))) == 8


def test_the_bank_of_another_package_is_tried_by_the_promises_of_banks(installed):
    said = run(installed, "-m", "pytest", "tests/test_banks.py", "-k", "keyframes")
    assert "passed" in said and "failed" not in said


def test_an_unknown_bank_is_told_with_those_of_other_packages(installed):
    said = run(installed, "-c", "from vidmem.banks import banks; print(sorted(banks))")
    assert "keyframes" in said and "window" in said
