"""The command line: what it answers, and with which exit code."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from vidmem.__main__ import main

ROOT = Path(__file__).parent.parent


@pytest.fixture
def clip(tmp_path):
    """A folder of six pictures, 96 x 64, named so that only natural order is right."""
    folder = tmp_path / "clip"
    folder.mkdir()
    for index in range(6):
        picture = np.full((64, 96, 3), (30, 60, 90), np.uint8)
        picture[20:40, 10 + 5 * index : 30 + 5 * index] = (220, 40, 30)
        Image.fromarray(picture).save(folder / f"shot{index + 7}.png")
    return folder


def said(capsys, *arguments):
    """(exit code, stdout, stderr) of a command."""
    code = main([str(each) for each in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_help_answers_without_torch():
    code = (
        "import sys; from vidmem.__main__ import main; main(['--help']); "
        "raise SystemExit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, cwd=ROOT).returncode == 0


def test_importing_vidmem_does_not_import_torch():
    code = "import sys, vidmem; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


def test_track_writes_every_default_result(capsys, clip, tmp_path):
    code, out, err = said(capsys, "track", clip, "--box", "0:10,20,30,40", "--out", tmp_path / "out")
    assert code == 0, err
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"masks", "tracks.rle.json", "tracks.csv", "overlay.mp4", "summary.json", "memory.png"} <= names
    assert sorted(path.name for path in (tmp_path / "out/masks").iterdir()) == sorted(
        f"shot{i}.png" for i in range(7, 13)
    )
    header = (tmp_path / "out/tracks.csv").read_text().splitlines()[0]
    assert header == "frame,time,object,x0,y0,x1,y1,score,visible,area"
    mask = Image.open(tmp_path / "out/masks/shot7.png")
    assert mask.mode == "P" and mask.size == (96, 64)
    assert "object 1" in out and "wrote" in out


def test_a_mask_with_several_objects_begins_each(capsys, clip, tmp_path):
    labels = np.zeros((64, 96), np.uint8)
    labels[20:40, 10:30], labels[50:60, 60:90] = 3, 5
    Image.fromarray(labels).save(tmp_path / "first.png")
    code, _, err = said(
        capsys, "track", clip, "--mask", f"0:{tmp_path / 'first.png'}", "--out", tmp_path / "out", "--formats", "csv"
    )
    assert code == 0, err
    rows = (tmp_path / "out/tracks.csv").read_text().splitlines()[1:]
    assert {row.split(",")[2] for row in rows} == {"3", "5"}


WRONG = [
    (["--box", "0:200,20,300,40"], 3, "lies outside frame"),
    (["--point", "0:500,2"], 3, "lies outside frame"),
    (["--box", "77:1,1,9,9"], 3, "has 6 frames, 0 to 5"),
    (["--mask", "0:SMALL"], 3, r"the mask is 10 x 10 pixels, frame .* is 96 x 64"),
    (["--mask", "0:EMPTY"], 3, "the mask is empty"),
    (["--mask", "0:nowhere.png"], 3, "no mask nowhere.png"),
    (["--box", "0:1,1,9,9", "--model", "nowhere.pt"], 4, "nowhere.pt"),
    (["--box", "0:1,1,9,9", "--model", "CUT"], 4, "cut.safetensors"),
    (["--box", "0:1,1,9,9", "--model", "nanno"], 2, "Did you mean 'nano'"),
    (["--box", "0:1,1,9,9", "--tracker", "sam3"], 2, "No card 'sam3'"),
    (["--box", "0:1,1,9,9", "--formats", "gif"], 2, "No writer is named 'gif'"),
    (["--box", "0:1,1,9,9", "--set", "bank.frame=3"], 2, "Did you mean 'frames'"),
    (["--box", "0:1,1,9,9", "--set", "bank.frames=9"], 2, "must be 0 to 6"),
    (["--box", "0:1,1,9,9", "--resume", "--overwrite"], 2, "exclude each other"),
    (["--box", "0:1,1,9,9", "--on-damage", "cry"], 2, "stop or skip"),
    (["--box", "0:1,1,9,9", "--frames", "0"], 2, r"--frames.*1\. See"),
    (["--box", "0:1,1,9,9", "--every", "-2"], 2, r"--every.*1\. See"),
    (["--box", "0:0,0,inf,inf"], 2, "four numbers, got 0, 0, inf, inf"),
    (["--box", "0:1,1,9,9", "--set", "bank.frames=2.5"], 2, "it is a whole number"),
    (["--box", "0:1,1,9,9", "--reader", "vlc"], 2, "No reader is named 'vlc'"),
    (["--box", "0:1,1,9,9", "--device", "gpu9"], 2, "gpu9"),
    (["--box", "0:1,1,9,9", "--trakcer", "sam2"], 2, "--tracker"),
    ([], 2, "Nothing says what to follow"),
]


@pytest.mark.parametrize(
    "arguments, code, complaint", WRONG, ids=[" ".join(each[0])[:40] or "nothing" for each in WRONG]
)
def test_wrong_input_is_one_line_with_its_own_exit_code(capsys, clip, tmp_path, arguments, code, complaint):
    Image.fromarray(np.ones((10, 10), np.uint8)).save(tmp_path / "small.png")
    Image.fromarray(np.zeros((64, 96), np.uint8)).save(tmp_path / "empty.png")
    (tmp_path / "cut.safetensors").write_bytes((ROOT / "weights/nano.safetensors").read_bytes()[:100_000])
    places = {"SMALL": "small.png", "EMPTY": "empty.png", "CUT": "cut.safetensors"}
    for word, name in places.items():
        arguments = [each.replace(word, str(tmp_path / name)) for each in arguments]
    got, _, err = said(capsys, "track", clip, "--out", tmp_path / "out", *arguments)
    assert got == code, (got, err)
    assert len(err.strip().splitlines()) == 1, err
    assert re.search(complaint, err), err
    assert not (tmp_path / "out/masks").exists(), "nothing may be written for what cannot be done"


def test_a_source_that_is_not_there_is_said(capsys, tmp_path):
    code, _, err = said(capsys, "track", tmp_path / "no.mp4", "--box", "0:1,1,9,9", "--out", tmp_path / "out")
    assert code == 3 and "no.mp4" in err and len(err.strip().splitlines()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_place_is_said(capsys, clip, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    code, _, err = said(capsys, "track", clip, "--box", "0:10,20,30,40", "--out", tmp_path / "closed/out")
    assert code == 3 and "closed" in err and "--out" in err


def test_a_place_that_cannot_be_made_is_said(capsys, clip, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = said(capsys, "track", clip, "--box", "0:10,20,30,40", "--out", tmp_path / "file/out")
    assert code == 3 and len(err.strip().splitlines()) == 1 and "file" in err


def test_trackers_and_models_are_listed_for_people_and_machines(capsys):
    code, out, _ = said(capsys, "trackers")
    assert code == 0 and "sam2" in out and "arXiv 2408.00714" in out
    code, out, _ = said(capsys, "models", "list", "--json")
    assert code == 0 and {"nano", "sam2.1-large"} <= {each["name"] for each in json.loads(out)}


def test_the_embedded_model_verifies(capsys):
    code, out, err = said(capsys, "models", "verify", "nano")
    assert code == 0 and "ok" in out, err


def test_a_download_without_network_says_so_and_what_to_do(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("VIDMEM_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("VIDMEM_OFFLINE", "1")
    code, _, err = said(capsys, "models", "download", "sam2.1-tiny")
    assert code == 4 and "offline mode" in err and "sam2.1_hiera_tiny.pt" in err


def test_doctor_names_every_part(capsys):
    code, out, _ = said(capsys, "doctor", "--json")
    assert code == 0
    found = {each["what"] for each in json.loads(out)}
    assert {"vidmem", "CPU", "GPU", "reader", "weights", "disk"} <= found


def test_results_are_exported_to_other_formats(capsys, clip, tmp_path):
    said(capsys, "track", clip, "--box", "0:10,20,30,40", "--out", tmp_path / "out", "--formats", "png")
    code, _, err = said(capsys, "export", tmp_path / "out", "--formats", "ytvos,csv", "--out", tmp_path / "other")
    assert code == 0, err
    assert (tmp_path / "other/tracks.csv").exists() and (tmp_path / "other/tracks.ytvos.json").exists()


@pytest.mark.parametrize("verb", ["track", "stream"])
def test_a_run_that_is_stopped_says_how_to_go_on_and_does(capsys, clip, tmp_path, monkeypatch, verb):
    seen = []

    def stops(self, moment):
        seen.append(moment)
        if len(seen) == 3:
            raise KeyboardInterrupt

    asked = (verb, clip, "--box", "0:10,20,30,40", "--out", tmp_path / "out", "--formats", "csv", "--model", "toy")
    with monkeypatch.context() as patched:
        patched.setattr("vidmem.cli.telling.Telling.__call__", stops)
        code, _, err = said(capsys, *asked)
    assert code == 130 and f"--resume --out {tmp_path / 'out'}" in err and len(err.strip().splitlines()) == 1
    code, _, err = said(capsys, *asked, "--resume")
    assert code == 0 and len((tmp_path / "out/tracks.csv").read_text().splitlines()) == 7, err


def test_a_prompt_behind_the_frames_that_are_taken_is_not_passed_over(capsys, clip, tmp_path):
    boxes = ("--box", "0:10,20,30,40", "--box", "4:10,20,30,40")
    code, _, err = said(capsys, "track", clip, *boxes, "--frames", 2, "--out", tmp_path / "out", "--formats", "csv")
    assert code == 0 and "warning: --box 4:10,20,30,40" in err and "object 2 was not begun" in err


def test_a_broken_first_picture_is_skipped_when_that_is_asked(capsys, clip, tmp_path):
    (clip / "shot1.png").write_bytes(b"no picture")
    asked = ("track", clip, "--box", "0:10,20,30,40", "--out", tmp_path / "out", "--formats", "csv")
    code, _, err = said(capsys, *asked)
    assert code == 3 and "damaged: 0 frames were read" in err
    code, _, err = said(capsys, *asked, "--on-damage", "skip", "--overwrite")
    assert code == 0 and len((tmp_path / "out/tracks.csv").read_text().splitlines()) == 7, err


@pytest.mark.parametrize("verbs", [(), ("models",), ("needle",)])
def test_a_verb_of_verbs_alone_shows_its_help_and_nothing_else(capsys, verbs):
    code, out, err = said(capsys, *verbs)
    assert code == 2 and out.strip().startswith("Usage:") and err == ""


def test_a_run_that_left_frames_out_is_drawn_on_the_frames_it_saw(capsys, clip, tmp_path):
    said(capsys, "track", clip, "--box", "0:10,20,30,40", "--every", 2, "--out", tmp_path / "out", "--formats", "csv")
    code, _, err = said(capsys, "export", tmp_path / "out", "--formats", "mp4")
    assert code == 0, err
    with av.open(str(tmp_path / "out/overlay.mp4")) as film:
        shown = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(shown) == 3
    assert shown[1][30, 36, 0] > 180, "the second frame of the run is the third of the clip, where the square is there"


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (("stream", "demo:koi", "--overwrite", "--resume"), "exclude each other"),
        (("stream", "demo:koi", "--frames", "-1"), "--frames"),
        (("ask", "recall:4", "What came first?", "--frames", "-1"), "--frames"),
        (("caption", "recall:4", "--every", "0"), "--every"),
        (("compare", "demo:koi", "--trackers", "sam2,samurai", "--frames", "0"), "--frames"),
        (("export", "RUN", "--formats", ","), "--formats names none"),
        (("inspect", "work.vidmem.zip"), "vidmem demo --resume"),
    ],
)
def test_what_a_verb_cannot_do_is_one_line(capsys, tmp_path, arguments, complaint):
    code, _, err = said(capsys, *(tmp_path if each == "RUN" else each for each in arguments))
    assert code in (2, 3) and complaint in err and len(err.strip().splitlines()) == 1, err


def test_answers_can_be_held_back_until_they_are_settled(capsys, clip, tmp_path):
    asked = ("track", clip, "--box", "0:10,20,30,40", "--tracker", "sam2long", "--formats", "png,csv")
    for how in (("--emit", "commit", "--lag", "3"), ("--lag", "2"), ("--emit", "best")):
        code, _, err = said(capsys, *asked, *how, "--out", tmp_path / "out", "--overwrite")
        assert code == 0, err
        assert len(list((tmp_path / "out/masks").iterdir())) == 6
        assert len((tmp_path / "out/tracks.csv").read_text().splitlines()) == 7
    code, _, err = said(capsys, *asked, "--emit", "commit", "--out", tmp_path / "out", "--resume")
    assert code != 0 and "'loop.emit': 'best'" in err and "Ask the same to go on with it" in err


@pytest.mark.parametrize(
    "how, complaint", [(("--emit", "later"), "one of best, lag, commit"), (("--lag", "-1"), "lag 0 frames or more")]
)
def test_a_way_of_answering_that_there_is_not_is_refused_in_one_line(capsys, clip, tmp_path, how, complaint):
    code, _, err = said(capsys, "track", clip, "--box", "0:10,20,30,40", *how, "--out", tmp_path / "out")
    assert code == 2 and complaint in err
    assert len(err.strip().splitlines()) == 1 and not (tmp_path / "out").exists()
