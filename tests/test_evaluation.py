"""A tracker over a data set: the numbers are the protocol's, whatever happens on the way."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from tiny_sets import LENGTHS, Here, davis

from vidmem import cards
from vidmem.__main__ import main
from vidmem.errors import InputError, ModelError, UsageError
from vidmem.evaluation import Plan, evaluate, score_results
from vidmem.evaluation.answering import parts_of
from vidmem.masks import read_labels
from vidmem.metrics.davis2016 import Davis2016

SAME = ("metrics", "sequences", "objects", "failures")  # what must not depend on how often a run was killed


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The toy model is too small to be shared between threads: they would wait for each other most of the time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return davis(tmp_path / "set")


def plan_of(root: Path, **options) -> Plan:
    return Plan(**{"dataset": "davis16", "root": str(root), "tracker": "sam2", "model": "toy", **options})


def said(capsys, *arguments) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a command."""
    code = main([str(each) for each in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_report_has_the_numbers_of_the_protocol_to_the_last_bit(root, tmp_path):
    report = evaluate(plan_of(root), tmp_path / "out", engine=Here())
    scores = {}
    for name, frames in LENGTHS.items():
        files = [f"{name}/{frame:05d}.png" for frame in range(frames)]
        truth = [read_labels(root / "Annotations/480p" / file) for file in files]
        scores[name] = Davis2016().score(truth, [read_labels(tmp_path / "out/results" / file) for file in files])
    assert report["metrics"] == Davis2016().overall(scores)
    assert report["metrics"]["J"] > 0.6, "the toy follows these squares"
    for name in LENGTHS:
        assert report["sequences"][name]["J&F"] == Davis2016().overall({name: scores[name]})["J&F"]
        assert report["objects"][f"{name}_1"] == Davis2016().summary(scores[name][1])
    assert json.loads((tmp_path / "out/report.json").read_text()) == report
    assert report["facts"]["frames"] == sum(LENGTHS.values()) and report["facts"]["complete"]
    assert report["facts"]["peak_state_bytes"] > 0 and set(report["tracking"]) == set(LENGTHS)


def test_the_longest_video_comes_first(root, tmp_path):
    engine = Here()
    evaluate(plan_of(root), tmp_path / "out", engine=engine)
    assert engine.began == ["long", "plain", "short"]


def test_several_objects_are_scored_each(tmp_path):
    root = davis(tmp_path / "set", {"two": 6}, objects=2, year=2017)
    report = evaluate(plan_of(root, dataset="davis17"), tmp_path / "out", engine=Here())
    assert set(report["objects"]) == {"two_1", "two_2"} and report["sequences"]["two"]["objects"] == 2
    assert report["metrics"]["J"] == pytest.approx(np.mean([each["J"] for each in report["objects"].values()]))


@pytest.mark.parametrize("kind", ["mask", "box", "click"])
def test_what_a_tracker_is_told_is_chosen_by_the_prompt(root, tmp_path, kind):
    report = evaluate(plan_of(root, prompt=kind, sequences=("short",)), tmp_path / "out", engine=Here())
    assert report["facts"]["prompt"] == kind and report["metrics"]["J"] > 0.5


@pytest.mark.parametrize("emit", ["best", "lag", "commit"])
def test_every_frame_is_answered_once_however_late(root, tmp_path, emit):
    """A tree of pasts may answer late; the file of each frame is written all the same, with its own answer."""
    settings = {"loop.emit": emit, "loop.lag": 3, "search.uncertain_below": 99.0}
    report = evaluate(plan_of(root, tracker="sam2long", settings=settings), tmp_path / "out", engine=Here())
    for name, frames in LENGTHS.items():
        files = sorted(path.name for path in (tmp_path / "out/results" / name).iterdir())
        assert files == [f"{index:05d}.png" for index in range(frames)]
        assert report["tracking"][name]["frames"] == frames and report["tracking"][name]["fps"] > 0
    assert report["metrics"]["J"] > 0.5


def test_a_killed_evaluation_goes_on_to_the_report_of_a_whole_one(tmp_path):
    """kill -9 twice, each time after another video is done and while others are under way; no worker outlives it."""
    root = davis(tmp_path / "set", {f"v{number}": 40 + number for number in range(7)})
    command = [sys.executable, "-m", "vidmem", "eval", "davis16", "--root", root, "--model", "toy", "--workers", "2"]
    command = [str(each) for each in (*command, "--device", "cpu", "--out", tmp_path / "cut")]
    for mode in ([], ["--resume"]):
        before = len(list(tmp_path.glob("cut/records/*.json")))
        process = subprocess.Popen([*command, *mode], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while len(list(tmp_path.glob("cut/records/*.json"))) == before and time.monotonic() < deadline:
            time.sleep(0.002)
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not psutil.wait_procs(family, timeout=10)[1], "a worker went on without its parent"
        assert not (tmp_path / "cut/report.json").exists()
    done = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("cut/records/*.json")}
    assert 2 <= len(done) < 7
    evaluate(plan_of(root), tmp_path / "cut", mode="resume", engine=Here())
    evaluate(plan_of(root), tmp_path / "whole", engine=Here())
    cut, whole = (json.loads((tmp_path / out / "report.json").read_text()) for out in ("cut", "whole"))
    assert [cut[part] for part in SAME] == [whole[part] for part in SAME]
    assert done == {name: (tmp_path / "cut/records" / name).stat().st_mtime_ns for name in done}, "scored twice"
    for path in (tmp_path / "whole/results").rglob("*.png"):
        assert path.read_bytes() == (tmp_path / "cut" / path.relative_to(tmp_path / "whole")).read_bytes()
    assert not (tmp_path / "cut/.scratch").exists() or not list((tmp_path / "cut/.scratch").iterdir())


def test_a_bad_video_is_named_and_does_not_end_the_run(capsys, root, tmp_path):
    broken = root / "JPEGImages/480p/long/00009.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:60])
    arguments = ("eval", "davis16", "--root", root, "--model", "toy", "--workers", "1", "--out", tmp_path / "out")
    code, out, err = said(capsys, *arguments)
    assert code == 3 and "1 of 3 videos failed: long: " in err and "00009.png" in err and "failed" in out
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert set(report["sequences"]) == {"plain", "short"} and list(report["failures"]) == ["long"]
    assert not report["facts"]["complete"] and "long" in (tmp_path / "out/report.md").read_text()
    broken.write_bytes(whole)
    engine = Here()
    report = evaluate(plan_of(root), tmp_path / "out", mode="resume", engine=engine)
    assert engine.began == ["long"] and not report["failures"] and report["facts"]["complete"]


def test_a_fault_of_ours_in_one_video_keeps_its_traceback_and_the_others(root, tmp_path, monkeypatch):
    from vidmem.models.toy import Toy

    encode = Toy.encode
    monkeypatch.setattr(Toy, "encode", lambda self, frame: encode(self, frame) if frame.index < 10 else {}["gone"])
    report = evaluate(plan_of(root), tmp_path / "out", engine=Here())
    assert report["failures"] == {"long": "KeyError: 'gone'"} and set(report["sequences"]) == {"plain", "short"}
    assert "Traceback" in json.loads((tmp_path / "out/records/long.json").read_text())["trace"]
    assert "Traceback" in (tmp_path / "out/report.html").read_text()


def test_what_is_wrong_for_all_videos_ends_the_run_at_once(root, tmp_path):
    engine = Here()
    with pytest.raises(ModelError, match=r"nowhere\.pt"):
        evaluate(plan_of(root, model="nowhere.pt"), tmp_path / "out", engine=engine)
    assert len(engine.began) == 1 and not list(tmp_path.glob("out/records/*"))


def test_more_videos_may_be_asked_for_when_going_on(root, tmp_path):
    evaluate(plan_of(root, sequences=("short",)), tmp_path / "out", engine=Here())
    engine = Here()
    report = evaluate(plan_of(root), tmp_path / "out", mode="resume", engine=engine)
    assert engine.began == ["long", "plain"] and set(report["sequences"]) == set(LENGTHS)


def test_going_on_with_another_plan_names_the_difference(root, tmp_path):
    evaluate(plan_of(root, sequences=("short",)), tmp_path / "out", engine=Here())
    with pytest.raises(UsageError, match="made with prompt 'mask', now it is 'box'"):
        evaluate(plan_of(root, prompt="box"), tmp_path / "out", mode="resume", engine=Here())


def test_overwriting_replaces_the_evaluation_and_nothing_else(root, tmp_path):
    evaluate(plan_of(root), tmp_path / "out", engine=Here())
    (tmp_path / "out/notes.txt").write_text("mine")
    evaluate(plan_of(root, sequences=("short",)), tmp_path / "out", mode="overwrite", engine=Here())
    assert [path.name for path in (tmp_path / "out/results").iterdir()] == ["short"]
    assert (tmp_path / "out/notes.txt").read_text() == "mine"


WRONG = [
    (["--sequences", "plian"], 2, r"DAVIS 2016, split val, has no video 'plian'. Did you mean 'plain'"),
    (["--root", "ELSEWHERE"], 3, "is no folder"),
    (["--root", "EMPTY"], 3, r"val\.txt is missing"),
    (["--prompt", "word"], 2, "It is mask, box, click"),
    (["--engine", "slurm"], 2, "No engine is named 'slurm'"),
    (["--tracker", "sam3"], 2, "No card 'sam3'"),
    (["--model", "nanno"], 2, "Did you mean 'nano'"),
    (["--split", "tset"], 2, "has no split 'tset'"),
    (["--device", "gpu9"], 2, "gpu9"),
    (["--address", "here:1"], 2, "--engine ray"),
    (["--resume"], 3, "holds no evaluation to go on with"),
    (["--resume", "--overwrite"], 2, "exclude each other"),
    (["--set", "bank.frame=3"], 2, "Did you mean 'frames'"),
]


@pytest.mark.parametrize("arguments, code, complaint", WRONG, ids=[" ".join(each[0]) for each in WRONG])
def test_wrong_input_is_told_before_anything_is_done(capsys, root, tmp_path, arguments, code, complaint):
    (tmp_path / "empty").mkdir()
    places = {"ELSEWHERE": str(tmp_path / "elsewhere"), "EMPTY": str(tmp_path / "empty")}
    arguments = [places.get(each, each) for each in arguments]
    usual = ["--root", root] if "--root" not in arguments else []
    model = ["--model", "toy"] if "--model" not in arguments else []
    got, _, err = said(capsys, "eval", "davis16", *usual, *model, "--out", tmp_path / "out", *arguments)
    assert got == code, err
    assert re.search(complaint, err), err
    assert not list((tmp_path / "out").glob("re*"))


def test_a_folder_with_other_things_is_refused_unasked(capsys, root, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("mine")
    code, _, err = said(capsys, "eval", "davis16", "--root", root, "--model", "toy", "--out", tmp_path / "out")
    assert code == 3 and "is not empty. Add --resume" in err and "--overwrite" in err


def test_two_runs_do_not_share_a_folder(root, tmp_path):
    from vidmem.evaluation.store import open_store

    with open_store(tmp_path / "out").held(), pytest.raises(InputError, match="Another run is at work"):
        evaluate(plan_of(root), tmp_path / "out", engine=Here())


def test_results_made_elsewhere_score_as_those_made_here(root, tmp_path):
    made = evaluate(plan_of(root), tmp_path / "out", engine=Here())
    (tmp_path / "out/results").rename(tmp_path / "theirs")
    report, place = score_results("davis16", root, tmp_path / "theirs", tmp_path / "scores", engine=Here())
    assert [report[part] for part in SAME] == [made[part] for part in SAME]
    assert place == str(tmp_path / "scores") and not report["tracking"] and report["facts"]["tracker"] == ""


def test_scores_go_beside_the_results_when_no_place_is_named_and_may_be_made_again(capsys, root, tmp_path):
    evaluate(plan_of(root), tmp_path / "out", engine=Here())
    (tmp_path / "out/results").rename(tmp_path / "theirs")
    before = (tmp_path / "theirs/short/00000.png").read_bytes()
    code, out, err = said(capsys, "score", "davis16", "--root", root, "--results", tmp_path / "theirs")
    assert code == 0 and "results made elsewhere on DAVIS 2016 val   J&F" in out, err
    first = json.loads((tmp_path / "theirs/report.json").read_text())
    again, _ = score_results("davis16", root, tmp_path / "theirs", engine=Here())
    assert again == first and (tmp_path / "theirs/short/00000.png").read_bytes() == before


def test_a_missing_or_broken_result_is_named(capsys, root, tmp_path):
    evaluate(plan_of(root), tmp_path / "out", engine=Here())
    theirs = (tmp_path / "out/results").rename(tmp_path / "theirs")
    (theirs / "plain/00002.png").unlink()
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(theirs / "short/00001.png")
    report, _ = score_results("davis16", root, theirs, tmp_path / "scores", engine=Here())
    assert "no answer for frame 00002 of plain" in report["failures"]["plain"]
    assert "5 x 5" in report["failures"]["short"] and set(report["sequences"]) == {"long"}
    (theirs / "long/00000.png").unlink()  # the first mask is told, and not scored
    report, _ = score_results("davis16", root, theirs, tmp_path / "scores", sequences=("long",), engine=Here())
    assert set(report["sequences"]) == {"long"} and not report["failures"]


def test_the_folder_of_an_evaluation_is_scored_only_into_another(capsys, root, tmp_path):
    made = evaluate(plan_of(root), tmp_path / "out", engine=Here())
    code, _, err = said(capsys, "score", "davis16", "--root", root, "--results", tmp_path / "out")
    assert code == 3 and "name another --out" in err
    report, _ = score_results("davis16", root, tmp_path / "out", tmp_path / "again", engine=Here())
    assert report["metrics"] == made["metrics"]


def test_a_run_is_told_video_by_video_and_beside_the_paper(capsys, root, tmp_path):
    code, out, err = said(
        capsys, "eval", "davis16", "--root", root, "--model", "toy", "--workers", "2", "--out", tmp_path / "out"
    )
    assert code == 0, err
    lines = out.splitlines()
    assert re.match(r"video 1/3  \w+  \d+ frames  J&F \d+\.\d  J \d+\.\d  F \d+\.\d  \d+\.\d fps  memory \d", lines[0])
    assert re.match(r"sam2 · toy on DAVIS 2016 val   J&F \d+\.\d .* 3/3 videos", lines[-2])
    assert "report.html" in lines[-1]


@pytest.mark.real
def test_published_predictions_get_their_golden_scores(data, tmp_path):
    golden = json.loads((data / "eval/davis-osvos/golden_scores.json").read_text())
    theirs = data / "eval/davis-osvos/pred"
    one, _ = score_results("davis16", data / "DAVIS", theirs, tmp_path / "one", sequences=("dog",), engine=Here())
    for measure in ("J", "F"):
        assert one["sequences"]["dog"][measure] == pytest.approx(golden["single_object"]["dog"][measure], abs=1e-12)
    several, _ = score_results("davis17", data / "DAVIS", theirs, tmp_path / "several", engine=Here())
    expected = golden["bmx-trees_2017"]
    for name, value in expected["global"].items():
        assert several["metrics"][name.removesuffix("-Mean")] == pytest.approx(value, abs=1e-12)
    for name, numbers in expected["per_object"].items():
        assert several["objects"][name]["J"] == pytest.approx(numbers["J"], abs=1e-12)


def test_an_evaluation_is_not_gone_on_with_when_its_card_says_something_else_by_now(root, tmp_path):
    card = tmp_path / "mine.toml"
    card.write_text("[bank]\nname = 'window'\nframes = 3\n")
    plan = plan_of(root, tracker=str(card))
    evaluate(plan, tmp_path / "out", engine=Here())
    evaluate(plan, tmp_path / "out", mode="resume", engine=Here())
    card.write_text("[bank]\nname = 'window'\nframes = 2\n")
    with pytest.raises(UsageError, match=r"The bank of .* has changed .*frames=3.*frames=2"):
        evaluate(plan, tmp_path / "out", mode="resume", engine=Here())


def test_an_evaluation_is_not_gone_on_with_when_its_weights_are_others_by_now(root, tmp_path):
    weights = tmp_path / "mine.safetensors"
    shutil.copy(cards.home() / "weights" / "nano.safetensors", weights)
    begun, again = (parts_of(plan_of(root, model=str(weights))) for _ in range(2))
    assert begun == again and len(begun["weights"]) == 64
    weights.write_bytes(weights.read_bytes() + b" ")
    other = replace(plan_of(root, model=str(weights)), parts=parts_of(plan_of(root, model=str(weights))))
    with pytest.raises(UsageError, match="The weights of 'sam2'"):
        other.must_go_on(replace(other, parts=begun), "runs/old")
    other.must_go_on(replace(other, parts={}), "runs/older")  # of before this was kept
    other.must_go_on(replace(other, parts={**other.parts, "weights": ""}), "runs/before-the-download")
