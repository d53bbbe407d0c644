"""Detections in a COCO JSON: whatever way frames are named, they find their frame."""

from __future__ import annotations

import json
from pathlib import Path

import dataset_trees as trees
import pytest
from tiny_sets import Here

from vidmem.errors import InputError
from vidmem.evaluation import Plan, score_results
from vidmem.evaluation.detections import motion_of, read
from vidmem.metrics.motion import motion_ious
from vidmem.videos import DetectionTruth, open_dataset

VIDEO = "ILSVRC2015_val_00000000"


def row(image: object, box=(2, 3, 10, 10), category: float = 1, score: float = 0.9) -> dict:
    return {"image_id": image, "category_id": category, "bbox": list(box), "score": score}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    trees.imagenet_vid(tmp_path / "set")
    return tmp_path / "set"


NAMED = {
    "by text": [row(f"{VIDEO}/000001")],
    "by file": [row(f"{VIDEO}/000001.JPEG")],
    "from further up": [row(f"Data/VID/val/{VIDEO}/000001.JPEG")],
    "by number from 1": [row(2)],
    "by images": {"images": [{"id": 7, "file_name": f"val/{VIDEO}/000001.JPEG"}], "annotations": [row(7)]},
}


@pytest.mark.parametrize("content", NAMED.values(), ids=NAMED)
def test_frames_are_found_however_they_are_named(root, tmp_path, content):
    (tmp_path / "found.json").write_text(json.dumps(content))
    found = read(tmp_path / "found.json", Plan("imagenet_vid", str(root)))
    assert [len(found.rows(VIDEO, f"{index:06d}")) for index in range(3)] == [0, 1, 0]
    assert found.rows("another", "000001") == []


def test_numbers_are_those_of_the_data_sets_own_file(tmp_path):
    trees.imagenet_vid_coco(tmp_path / "set")
    (tmp_path / "found.json").write_text(json.dumps([row(89)]))
    found = read(tmp_path / "found.json", Plan("imagenet_vid-coco", str(tmp_path / "set")))
    assert len(found.rows(VIDEO, "000001")) == 1


WRONG = {
    "no JSON": ("{", "cannot be read as JSON"),
    "no list": ('{"boxes": []}', "no COCO JSON of detections"),
    "no score": (json.dumps([{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}]), "detection 0: .* lacks"),
    "three numbers": (json.dumps([row(1), row(1, box=(1, 2, 3))]), "detection 1: .* bbox that is not 4 numbers"),
    "no numbers": (json.dumps([row(1, box="left")]), "detection 0: .* bbox that is not 4 numbers"),
    "a class by name": (json.dumps([{**row(1), "category_id": "dog"}]), "category_id that is not a whole number"),
    "half a class": (json.dumps([row(1, category=1.5)]), "category_id that is not a whole number"),
    "a score in words": (json.dumps([{**row(1), "score": "high"}]), "score that is not a number"),
    "images without names": (json.dumps({"images": [{"id": 1}], "annotations": []}), "an id and a file_name"),
    "no such frame": (json.dumps([row(99)]), "no frame with the image_id 99"),
}


@pytest.mark.parametrize("content, complaint", WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_file_is_said(root, tmp_path, content, complaint):
    (tmp_path / "found.json").write_text(content)
    with pytest.raises(InputError, match=complaint):
        score_results("imagenet_vid", root, tmp_path / "found.json", tmp_path / "out", engine=Here())
    assert not list(tmp_path.glob("out/re*"))


def test_how_scores_are_counted_may_be_chosen(root, tmp_path):
    """A box of 10 x 10 that is half covered: enough for the challenge, not for a fixed overlap of one half."""
    (tmp_path / "found.json").write_text(json.dumps([row(f"{VIDEO}/000000", box=(2, 3, 10, 3))]))
    reached = {}
    for mode in ("ilsvrc_adaptive", "fixed"):
        report, _ = score_results(
            *("imagenet_vid", root, tmp_path / "found.json", tmp_path / mode), counting={"mode": mode}, engine=Here()
        )
        reached[mode] = report["classes"]["airplane"]["AP"]
    assert reached["ilsvrc_adaptive"] > 0 == reached["fixed"]


def test_speed_is_told_by_tracks(root):
    video = open_dataset("imagenet_vid", root).video(VIDEO)
    assert isinstance(video.truth, DetectionTruth)
    expected = motion_ious({0: (2, 3, 12, 13), 1: (2, 3, 12, 13)})
    assert motion_of(video, video.truth) == {
        ("000000", 0): expected[0],
        ("000001", 0): expected[1],
        ("000000", 7): 0.0,
    }
