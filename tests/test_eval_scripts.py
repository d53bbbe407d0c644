"""The scripts of eval/: each is a few words over the command line, and writes the report."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import dataset_trees as trees
import pytest
from tiny_sets import davis

ROOT = Path(__file__).parent.parent


def run(monkeypatch, script: str, *arguments: object) -> int:
    """The exit code of a script, run in this process."""
    monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(ROOT / "eval" / script), run_name="__main__")
    return int(left.value.code or 0)


@pytest.mark.parametrize("year, objects", [("2016", 1), ("2017", 2)])
def test_davis(monkeypatch, tmp_path, year, objects):
    root = davis(tmp_path / "set", {"one": 5}, objects, int(year))
    out = tmp_path / "out"
    code = run(monkeypatch, "davis.py", "--year", year, "--root", root, "--model", "toy", "--out", out, "--workers", 1)
    report = json.loads((out / "report.json").read_text())
    assert code == 0 and report["facts"]["title"] == f"DAVIS {year}" and len(report["objects"]) == objects


def test_lvos(monkeypatch, tmp_path):
    trees.lvos(tmp_path / "set")
    out = tmp_path / "out"
    run(monkeypatch, "lvos.py", "--root", tmp_path / "set", "--model", "toy", "--out", out, "--workers", 1)
    report = json.loads((out / "report.json").read_text())
    assert report["facts"]["dataset"] == "lvos2" and {"J&F", "J", "F", "V"} <= set(report["metrics"])


def test_imagenet_vid(monkeypatch, tmp_path):
    trees.imagenet_vid(tmp_path / "set")
    video = "ILSVRC2015_val_00000000"
    rows = [
        {"image_id": f"{video}/000000", "category_id": 1, "bbox": [2, 3, 10, 10], "score": 0.9},
        {"image_id": f"{video}/000000", "category_id": 30, "bbox": [4, 5, 5, 14], "score": 0.8},
        {"image_id": f"{video}/000001", "category_id": 1, "bbox": [2, 3, 10, 10], "score": 0.7},
    ]
    (tmp_path / "found.json").write_text(json.dumps(rows))
    arguments = ("--root", tmp_path / "set", "--results", tmp_path / "found.json", "--workers", 1)
    assert run(monkeypatch, "imagenet_vid.py", *arguments, "--out", tmp_path / "out") == 0
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["metrics"]["AP"] == 1.0 and report["facts"]["protocol_options"]["mode"] == "ilsvrc_adaptive"
    assert set(report["classes"]) == {"airplane", "zebra"}


@pytest.mark.parametrize("script", sorted(each.name for each in (ROOT / "eval").glob("*.py")))
def test_every_script_explains_itself(monkeypatch, capsys, script):
    assert run(monkeypatch, script, "--help") == 0
    assert f"python eval/{script} --root" in capsys.readouterr().out
