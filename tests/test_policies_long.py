"""The benchmark of policies: it scores as the protocol does, and goes on where it was left."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch

from vidmem.metrics import protocols
from vidmem.metrics.labels import Masks
from vidmem.values import Prompt

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.usefixtures("one_thread")


def compared(folder: Path, *options: str) -> dict:
    """The last line of the benchmark with the toy model on short scenes."""
    asked = ["--model", "toy", "--trackers", "sam2", "--seeds", "1", *options]
    places = ["--out", folder / "kept", "--results", folder, "--document", folder / "page.md"]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as out:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        patch.setattr(sys, "argv", ["policies_long.py", *asked, *map(str, places)])
        import_module("policies_long").main()
    return json.loads(out.getvalue().splitlines()[-1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("policies")
    compared(place, "--scenes", "still", "--frames", "60")
    return place


def test_a_tracker_is_scored_beside_the_first_mask(folder: Path):
    rows = json.loads((folder / "policies_long.json").read_text())["videos"]["still-0"]
    assert 0 < rows["first-mask"]["J&F"] < 1 and 0 < rows["sam2"]["J&F"] < 1
    assert rows["sam2"]["decoded"] == 1 and rows["sam2"]["bytes"] > 0
    assert rows["sam2"]["away"] == 0


def test_scores_are_those_of_the_protocol_and_absences_are_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark = import_module("policies_long")
    truth = np.zeros((60, 20, 30), np.uint8)
    truth[:, 4:12, 4:12] = 1
    truth[10:, 10:16, 20:28] = 2  # joins late
    truth[15:30] = np.where(truth[15:30] == 1, 0, truth[15:30])  # and object 1 is away for a while
    answers = np.roll(truth, 2, axis=2)
    answers[15:20] = 0
    prompts = {0: [Prompt(1, box=torch.zeros(4))], 10: [Prompt(2, box=torch.zeros(4))]}
    score = benchmark.Score(lambda frame: Masks(truth[frame]), prompts)
    for frame, answer in enumerate(answers):
        score.take(frame, answer)
    numbers = score.numbers()
    expected = protocols["youtubevos"]().score(truth, answers)
    for object_id, scores in expected.items():
        for measure in ("J", "F"):
            assert numbers["objects"][object_id][measure] == pytest.approx(scores[measure].mean(), abs=1e-5)
    assert (numbers["away"], numbers["silent"], numbers["returns"], numbers["found"]) == (15, 15, 1, 1)
    assert list(benchmark.returns(np.repeat([1, 0, 1, 0, 1], [5, 9, 30, 10, 19]) > 0)) == []


def test_the_page_names_what_is_needed_to_measure_again(folder: Path):
    page = (folder / "page.md").read_text()
    for needed in ("`toy`", "--seeds 1 --frames 60", "torch", "| sam2 |", "**still**"):
        assert needed in page, needed


def test_what_was_tracked_is_not_tracked_again_and_what_is_new_is(folder: Path):
    kept = folder / "kept/still-0/sam2.json"
    before = kept.stat().st_mtime_ns
    told = compared(folder, "--scenes", "still,reentry", "--frames", "60")
    assert kept.stat().st_mtime_ns == before and told["videos"] == 2
    assert (folder / "kept/reentry-0/sam2.json").is_file()
    compared(folder, "--scenes", "still", "--frames", "61")
    assert kept.stat().st_mtime_ns > before
