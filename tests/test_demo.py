"""`vidmem demo`: the page opens from the command line, or says in one line why not."""

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from vidmem.__main__ import main
from vidmem.cli.demo import login_of
from vidmem.errors import UsageError
from vidmem.ui.serve import is_loopback

ROOT = Path(__file__).parent.parent


def test_the_script_and_the_verb_are_the_same():
    ran = subprocess.run([sys.executable, "apps/demo.py", "--help"], capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0 and "Open the page" in ran.stdout and "--max-upload" in ran.stdout


@pytest.mark.parametrize(
    "arguments, code, complaint",
    [
        (["demo", "nowhere.mp4"], 3, "nowhere.mp4"),
        (["demo", "--resume", "nowhere.zip"], 3, "no saved session nowhere.zip"),
        (["demo", "--max-upload", "lots"], 2, "'lots' is no size"),
        (["demo", "--auth", "ada"], 2, "USER:PASSWORD"),
        (["demo", "--tracker", "samurei"], 2, "no tracker 'samurei'"),
        (["demo", "--sessions", "0"], 2, "sessions is 0"),
    ],
)
def test_what_cannot_be_opened_is_said_in_one_line(arguments, code, complaint, capsys, monkeypatch):
    pytest.importorskip("gradio", reason="the page needs gradio")
    assert main(arguments) == code
    said = capsys.readouterr().err.strip()
    assert complaint in said and "\n" not in said


def test_without_gradio_the_cure_is_named(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio.themes", None)
    assert main(["demo"]) == 2
    assert "pip install 'vidmem[demo]'" in capsys.readouterr().err


def test_the_page_opens_answers_and_leaves_nothing_behind(tmp_path):
    pytest.importorskip("gradio", reason="the page needs gradio")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "vidmem", "demo", "--port", str(port)]
    surroundings = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=surroundings) as page:
        assert page.stdout is not None and f"http://127.0.0.1:{port}" in page.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
            assert "vidmem" in answer.read().decode()
        page.terminate()
        assert "Closed" in page.stdout.read() and page.wait(60) == 0
    assert not list(tmp_path.glob("vidmem-page-*"))


def test_a_login_is_a_user_and_a_password():
    assert login_of("ada:s3:cret") == [("ada", "s3:cret")]
    for wrong in ("ada", ":x", "ada:"):
        with pytest.raises(UsageError):
            login_of(wrong)


@pytest.mark.parametrize(
    "host, alone", [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("here", False)]
)
def test_only_loopback_counts_as_this_machine(host, alone):
    assert is_loopback(host) is alone
