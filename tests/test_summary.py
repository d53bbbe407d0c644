"""The summary of a run: spans of absence, in memory that does not grow with the frames."""

import json
from pathlib import Path

import numpy as np
import pytest

from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.errors import InputError
from vidmem.summary import Summary, SummaryFile

MASK = np.ones((4, 4), bool)


def told(frame: int, **visible: bool) -> Annotation:
    objects = {int(each[1:]): ObjectAnnotation(MASK, 0.5 + 0.1 * seen, seen) for each, seen in visible.items()}
    return Annotation(frame, frame / 10, str(frame), (4, 4), objects)


def after(*shown: str) -> Summary:
    """The summary of a run in which object n was seen where shown[n] has an x, not followed at a blank."""
    summary = Summary()
    for frame in range(len(shown[0])):
        seen = {f"_{n}": row[frame] == "x" for n, row in enumerate(shown, 1) if row[frame] != " "}
        summary = summary.saw(told(frame, **seen))
    return summary


def test_spans_of_absence_have_their_first_and_last_frame():
    summary = after("xx--xx-x--", "    xx--xx")
    assert summary.objects[1].lost == ((2, 3), (6, 6), (8, 9))
    assert summary.objects[2].lost == ((6, 7),)
    assert summary.objects[2].first == 4 and summary.objects[2].visible == 4


def test_the_mean_score_is_over_the_frames_the_object_was_seen_in():
    assert after("x--x").objects[1].mean_score == pytest.approx(0.6)
    assert after("--").objects[1].mean_score is None


def test_spans_are_bounded_and_counted():
    summary = after("x-" * 1500)
    assert len(summary.objects[1].lost) == 1000 and summary.objects[1].spans == 1500
    assert summary.as_json()["objects"]["1"]["times_lost"] == 1500


def test_the_agreed_keys_stand_on_top():
    content = after("x-").saw(told(2, _1=True), seconds=0.25, state_bytes=77).as_json(tracker="sam2")
    assert content["frames"] == 3 and content["fps"] == 4.0 and content["peak_bytes"] == 77
    assert content["lost_spans"] == {"1": [[1, 1]]} and content["objects"]["1"]["lost"] == [[1, 1]]
    assert content["tracker"] == "sam2"


def test_replayed_frames_count_but_cost_no_time():
    summary = after("xxxx").saw(told(4, _1=True), seconds=0.5)
    assert summary.frames == 5 and summary.fps == 2.0


def test_a_run_backwards_has_its_spans_the_right_way_round():
    summary = Summary()
    for frame, seen in zip(range(5, -1, -1), [True, False, False, True, True, False], strict=True):
        summary = summary.saw(told(frame, _1=seen))
    assert summary.as_json()["lost_spans"] == {"1": [[3, 4], [0, 0]]}


def test_the_file_is_there_from_the_start_and_complete_at_the_end(tmp_path: Path):
    file = SummaryFile(tmp_path, source="clip.mp4")
    assert json.loads((tmp_path / "summary.json").read_bytes())["frames"] == 0
    for frame in range(3):
        file.write(told(frame, _1=True), seconds=0.1)
    file.close()
    content = json.loads((tmp_path / "summary.json").read_bytes())
    assert content["frames"] == 3 and content["source"] == "clip.mp4"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="Cannot write"):
        SummaryFile(tmp_path / "taken")
