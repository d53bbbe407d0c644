"""Tracks of many objects, made elsewhere: what MOTChallenge takes away first, and files that do not fit."""

from __future__ import annotations

from pathlib import Path

import dataset_trees as trees
import pytest
from tiny_sets import Here

from vidmem.errors import InputError
from vidmem.evaluation import score_results
from vidmem.evaluation.tracks import read_tracks
from vidmem.metrics.mot_challenge import NOT_ASKED_MOT20, Marked, scored_of
from vidmem.videos import open_dataset

WALKER, RIDER = (10.0, 10.0, 20.0, 40.0), (50.0, 10.0, 60.0, 40.0)


def near(box, by=1.0):
    return (box[0] + by, *box[1:])


def test_an_answer_that_meets_a_person_on_a_vehicle_is_left_out():
    truth = (Marked(1, WALKER), Marked(2, RIDER, class_id=2))
    counted, left = scored_of(truth, {7: near(WALKER), 8: near(RIDER), 9: (100.0, 0, 110, 30)})
    assert counted == {1: WALKER} and set(left) == {7, 9}, "9 meets nothing and stays an error"


def test_an_answer_is_left_out_only_for_the_thing_it_meets_best():
    beside = near(WALKER, 2.0)
    truth = (Marked(1, WALKER), Marked(2, beside, class_id=8))
    assert set(scored_of(truth, {7: WALKER})[1]) == {7}, "it is the walker's"
    assert set(scored_of(truth, {7: WALKER, 8: beside})[1]) == {7}
    assert set(scored_of(truth, {8: (0.0, 0, 5, 5)})[1]) == {8}, "less than half is no meeting"


def test_what_is_not_to_be_scored_or_no_pedestrian_counts_for_nobody():
    truth = (Marked(1, WALKER, is_scored=False), Marked(2, RIDER, class_id=3))
    assert scored_of(truth, {7: WALKER}) == ({}, {7: WALKER})


def test_vehicles_without_a_motor_are_not_asked_for_in_mot20_alone():
    truth = (Marked(1, WALKER, class_id=6),)
    assert scored_of(truth, {7: WALKER})[1] == {7: WALKER}
    assert scored_of(truth, {7: WALKER}, NOT_ASKED_MOT20)[1] == {}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1,2,3", r"line 2: '1,2,3' is not frame,track"),
        ("9,2,1,1,4,4", r"line 2: frame 9, but .* has frames 1 to 3"),
        ("1,2,1,1,4,4", r"line 2: track 2 is in frame 1 twice"),
    ],
)
def test_a_line_that_does_not_fit_is_named(line, complaint, tmp_path):
    trees.mot(tmp_path / "set")
    video = open_dataset("mot", tmp_path / "set").video("MOT17-02-FRCNN")
    path = tmp_path / "MOT17-02-FRCNN.txt"
    path.write_text(f"1,2,10,5,8,12,1\n{line}\n")
    with pytest.raises(InputError, match=complaint):
        read_tracks(path, video)


def test_a_video_without_results_is_named_and_the_others_are_scored(tmp_path):
    trees.mot(tmp_path / "set")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "TUD-Campus.txt").write_text("1,5,9,8,6,5,1,-1,-1,-1\n")
    report, _ = score_results("mot", tmp_path / "set", theirs, tmp_path / "out", engine=Here())
    assert "MOT17-02-FRCNN.txt is missing" in report["failures"]["MOT17-02-FRCNN"]
    assert report["metrics"]["MOTA"] == 1.0 and report["sequences"]["TUD-Campus"]["objects"] == 1


@pytest.mark.real
def test_the_street_of_mot15_scores_what_mmtracking_expects(data: Path, tmp_path: Path):
    root = data / "eval/mmtracking/demo_MOT15_data"
    report, _ = score_results("mot", root, root / "train/results", tmp_path / "out", engine=Here())
    assert [round(report["metrics"][name], 3) for name in ("IDF1", "MOTA", "HOTA")] == [0.624, 0.555, 0.400]
    assert set(report["sequences"]) == {"TUD-Campus", "TUD-Stadtmitte"}
