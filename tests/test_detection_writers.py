"""Writers of detections: every one writes what it was given, with and without ids, and is whole at any moment."""

import csv
import json

import numpy as np
import pytest
from test_linking import found

from vidmem.detection_writers import detection_writers
from vidmem.detection_writers.boxes import draw
from vidmem.errors import InputError

CLASSES = ("zebra", "tiger", "snake")
GIVEN = [found(0, (10, 12, 0.9, 1), (50, 20, 0.5, 3)), found(1), found(2, (11, 12, 0.8, 2))]
PICTURE = np.full((200, 300, 3), 90, np.uint8)


def write(name, folder, given, close=True):
    writer = detection_writers[name](folder, CLASSES)
    for each in given:
        writer.write(each, PICTURE if writer.needs_image else None)
    if close:
        writer.close()
    return writer


def with_ids(each):
    from dataclasses import replace

    return replace(each, ids=np.arange(1, len(each) + 1))


@pytest.mark.parametrize("name", list(detection_writers))
@pytest.mark.parametrize("linked", [False, True])
def test_what_was_given_is_there(name, linked, tmp_path):
    given = [with_ids(each) for each in GIVEN] if linked else GIVEN
    write(name, tmp_path, given)
    if name == "csv":
        rows = list(csv.DictReader((tmp_path / "detections.csv").open()))
        assert [(r["frame"], r["class"], r["x0"], r["id"]) for r in rows] == [
            ("0", "zebra", "10.00", "1" if linked else ""),
            ("0", "snake", "50.00", "2" if linked else ""),
            ("2", "tiger", "11.00", "1" if linked else ""),
        ]
    elif name == "coco":
        said = json.loads((tmp_path / "detections.json").read_text())
        assert [each["category"] for each in said] == ["zebra", "snake", "tiger"]
        assert said[0]["bbox"] == [10, 12, 20, 20] and ("track_id" in said[0]) is linked
    elif name == "parquet":
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(tmp_path / "detections.parquet").to_pylist()
        assert [each["class"] for each in table] == ["zebra", "snake", "tiger"] and table[0]["y1"] == 32
    else:
        import av

        with av.open(str(tmp_path / "boxes.mp4")) as video:
            assert sum(1 for _ in video.decode(video=0)) == 3


@pytest.mark.parametrize("name", ["csv", "coco"])
def test_a_killed_run_leaves_a_whole_file(name, tmp_path):
    writer = write(name, tmp_path, GIVEN, close=False)
    if name == "coco":
        assert len(json.loads((tmp_path / "detections.json").read_text())) == 3
    else:
        assert len((tmp_path / "detections.csv").read_text().splitlines()) == 4
    writer.close()


def test_no_detections_at_all_is_an_empty_list(tmp_path):
    write("coco", tmp_path, [found(0)])
    assert json.loads((tmp_path / "detections.json").read_text()) == []


def test_a_small_picture_is_enlarged_so_that_words_can_be_read():
    drawn = draw(np.zeros((96, 128, 3), np.uint8), GIVEN[0], CLASSES)
    assert drawn.shape == (384, 512, 3) and drawn.any()


def test_a_video_without_pictures_is_refused(tmp_path):
    with pytest.raises(InputError, match="Leave mp4 out"):
        detection_writers["mp4"](tmp_path, CLASSES).write(GIVEN[0])
