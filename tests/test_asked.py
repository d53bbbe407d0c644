"""Prompts in text are understood, or the slip is named."""

import json
from pathlib import Path

import pytest

from vidmem.asked import parse
from vidmem.errors import InputError, UsageError


def test_boxes_without_a_number_begin_an_object_each():
    said = parse([], ["0:1,2,3,4", "7:5,6,8,9"], [])
    assert [(each.object_id, each.frame, each.box) for each in said] == [(1, 0, (1, 2, 3, 4)), (2, 7, (5, 6, 8, 9))]


def test_a_number_before_the_frame_names_the_object():
    said = parse([], ["2@0:10,20,80,90", "0:1,1,2,2"], ["2@5:3,4,neg"])
    assert [each.object_id for each in said] == [2, 1, 2]
    assert said[2].point == (3, 4, 0)


def test_points_without_a_number_belong_to_the_one_object():
    assert [each.object_id for each in parse([], [], ["0:1,1", "0:2,2,neg"])] == [1, 1]
    assert [each.object_id for each in parse([], ["4@0:1,1,9,9"], ["0:2,2,neg"])] == [4, 4]


def test_a_time_means_the_first_frame_not_before_it():
    (said,) = parse([], [], ["2.5s:1,1"])
    assert not said.meant_for(60, 2.4) and said.meant_for(63, 2.52)


def test_a_mask_keeps_its_path_even_with_colons():
    (said,) = parse(["0:/a:b/c.png"], [], [])
    assert said.mask == Path("/a:b/c.png") and said.object_id is None


@pytest.mark.parametrize(
    "masks, boxes, points, complaint",
    [
        ([], [], [], "Nothing says what to follow"),
        ([], ["0:1,2,3"], [], "four numbers, got 1, 2, 3"),
        ([], ["0:0,0,inf,inf"], [], "four numbers, got 0, 0, inf, inf"),
        ([], [], ["0:nan,4"], "two numbers, x and y, got nan, 4"),
        ([], [], ["infs:1,2"], "time from 0 seconds"),
        ([], ["0:5,5,1,9"], [], "x1 must be above x0"),
        ([], ["zero:1,2,3,4"], [], r"--box zero:1,2,3,4 is not of the form"),
        ([], ["1,2,3,4"], [], "no FRAME"),
        ([], [], ["-3:1,2"], "counted from 0"),
        ([], [], ["0:1"], "a point has two numbers"),
        ([], [], ["0:1,x"], r"--point 0:1,x is not of the form \[ID@\]FRAME:x,y"),
        ([], ["0@0:1,2,3,4"], [], "begin at 1"),
        ([], ["99999999999@0:1,2,3,4"], [], "end at 2147483647"),
        ([], ["0:1,1,2,2", "0:3,3,4,4"], ["0:1,1"], "there are several"),
        (["0:"], [], [], "nothing stands behind"),
    ],
)
def test_a_slip_is_named(masks, boxes, points, complaint):
    with pytest.raises(UsageError, match=complaint) as caught:
        parse(masks, boxes, points)
    assert "\n" not in str(caught.value)


def test_prompts_come_from_a_file_too(tmp_path):
    file = tmp_path / "prompts.json"
    file.write_text(
        json.dumps(
            [{"frame": 0, "object": 3, "box": [1, 2, 3, 4], "points": [[5, 6, 0]]}, {"time": 2, "mask": "m.png"}]
        )
    )
    box, point, mask = parse([], [], [], file)
    assert (box.object_id, box.box, point.point) == (3, (1, 2, 3, 4), (5, 6, 0))
    assert (mask.seconds, mask.mask) == (2.0, tmp_path / "m.png")


@pytest.mark.parametrize(
    "content, complaint",
    [
        ("[", "no JSON"),
        ("{}", "must hold a list"),
        ('[{"frame": 0}]', "prompt 0 cannot be used: it has neither"),
        ('[{"frame": 0, "time": 1, "box": [1,2,3,4]}]', "either frame or time"),
        ('[{"frame": 0, "bx": [1,2,3,4]}]', "unknown: bx"),
    ],
)
def test_a_slip_in_a_file_is_named_with_its_place(tmp_path, content, complaint):
    (tmp_path / "p.json").write_text(content)
    with pytest.raises(InputError, match=complaint):
        parse([], [], [], tmp_path / "p.json")


@pytest.mark.parametrize(
    "written, complaint",
    [
        ({"frame": 0, "object": 0, "box": [1, 1, 9, 9]}, "object ids begin at 1 and end at 2147483647, got 0"),
        ({"frame": 0, "object": -3, "box": [1, 1, 9, 9]}, "object ids begin at 1 .* got -3"),
        ({"frame": 0, "object": True, "box": [1, 1, 9, 9]}, "object is true; it is a whole number"),
        ({"frame": -1, "box": [1, 1, 9, 9]}, "counted from 0"),
        ({"frame": 0.7, "box": [1, 1, 9, 9]}, "frame is 0.7; it is a whole number"),
        ({"time": -2.0, "box": [1, 1, 9, 9]}, "time from 0 seconds"),
        ({"frame": 0, "points": [[3, 4, 7]]}, "1 on the object or 0 off it, got 7"),
        (5, "an object in braces, not 5"),
    ],
)
def test_a_number_that_nothing_has_is_named_in_a_file_too(tmp_path, written, complaint):
    file = tmp_path / "prompts.json"
    file.write_text(json.dumps([written]))
    with pytest.raises(InputError, match=complaint) as caught:
        parse([], [], [], file)
    assert "prompt 0" in str(caught.value)


def test_a_file_that_is_no_text_is_named(tmp_path):
    file = tmp_path / "prompts.json"
    file.write_bytes(b"\xff\xfe[]")
    with pytest.raises(InputError, match="no text"):
        parse([], [], [], file)
