"""Several trackers over a data set: each is evaluated as if it were alone, and one report stands over all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_sets import Here, davis

from vidmem.__main__ import main
from vidmem.errors import UsageError
from vidmem.evaluation import Plan, evaluate, evaluate_rivals

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan("davis16", str(davis(tmp_path / "set")), tracker="sam2", model="toy")


def test_each_tracker_has_the_report_it_would_have_alone(plan, tmp_path):
    reports = evaluate_rivals(plan, ("sam2", "samurai"), str(tmp_path / "out"), engine=Here())
    alone = evaluate(plan, tmp_path / "alone", engine=Here())
    for part in ("metrics", "sequences", "objects", "failures"):
        assert reports["sam2"][part] == alone[part]
    whole = json.loads((tmp_path / "out/report.json").read_text())
    assert list(whole["trackers"]) == ["sam2", "samurai"]
    for name, report in reports.items():
        assert whole["trackers"][name]["metrics"] == report["metrics"]
        assert json.loads((tmp_path / "out" / name / "report.json").read_text()) == report


def test_the_page_names_every_tracker_with_its_numbers_and_leads_to_its_own_page(plan, tmp_path):
    reports = evaluate_rivals(plan, ("sam2", "samurai"), str(tmp_path / "out"), engine=Here())
    page, words = (tmp_path / "out/report.html").read_text(), (tmp_path / "out/report.md").read_text()
    for name, report in reports.items():
        assert f'<a href="{name}/report.html">' in page and (tmp_path / f"out/{name}/report.html").is_file()
        for text in (page, words):
            assert f"{100 * report['metrics']['J&F']:.1f}" in text
    assert "| to sam2 |" in words and "<script" not in page and "http" not in page


def test_what_is_done_is_not_done_again_and_a_tracker_may_be_added(plan, tmp_path):
    out, engine = str(tmp_path / "out"), Here()
    first = evaluate_rivals(plan, ("sam2",), out, engine=Here())
    again = evaluate_rivals(plan, ("sam2", "samurai"), out, mode="resume", engine=engine)
    assert sorted(engine.began) == ["long", "plain", "short"], "only the new tracker's videos"
    assert again["sam2"]["metrics"] == first["sam2"]["metrics"]


def test_two_trackers_of_one_name_and_the_folder_of_a_single_one_are_refused(plan, tmp_path):
    with pytest.raises(UsageError, match="different names"):
        evaluate_rivals(plan, ("sam2", "sam2"), str(tmp_path / "out"), engine=Here())
    evaluate(plan, tmp_path / "single", engine=Here())
    with pytest.raises(UsageError, match="evaluation of one tracker"):
        evaluate_rivals(plan, ("sam2", "samurai"), str(tmp_path / "single"), engine=Here())


def test_the_command_tells_the_best_first_and_names_a_wrong_tracker(plan, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("vidmem.evaluation.rivals.evaluate", lambda *a, **o: evaluate(*a, **{**o, "engine": Here()}))
    asked = ["eval", "davis16", "--root", plan.root, "--model", "toy", "--out", str(tmp_path / "out")]
    assert main([*asked, "--tracker", "sam2,samurai"]) == 0
    said = capsys.readouterr().out
    assert "sam2  plain  6 frames" in said and "report.html" in said.splitlines()[-1]
    assert main([*asked[:-1], str(tmp_path / "other"), "--tracker", "sam2,nothing"]) == 2
    assert "nothing" in capsys.readouterr().err and not (tmp_path / "other").exists(), "known before the first video"
