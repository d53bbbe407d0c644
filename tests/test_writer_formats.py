"""What each format holds: masks whole, ids, palettes, columns, and what it refuses."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image
from pycocotools.coco import COCO
from told import (
    KEEPS_MASKS,
    NOTHING,
    READ,
    SIZE,
    annotation,
    blob,
    read_png,
    read_rle,
    story,
    write,
)

from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.errors import InputError
from vidmem.palette import davis_palette
from vidmem.writers import writers


@pytest.mark.parametrize("name", KEEPS_MASKS)
def test_overlapping_masks_come_back_whole(name: str, tmp_path: Path):
    write(name, tmp_path, story(6))
    found = READ[name](tmp_path)
    for told in story(6):
        for object_id, each in told.objects.items():
            if name == "ytvos" and not each.area:
                assert object_id not in found[told.name]
            else:
                np.testing.assert_array_equal(found[told.name][object_id], each.mask)
    assert (found["shot_004"][1] & found["shot_004"][7]).any()


@pytest.mark.parametrize("name", KEEPS_MASKS)
def test_an_object_that_comes_later_is_not_in_the_frames_before(name: str, tmp_path: Path):
    write(name, tmp_path, story(4))
    found = READ[name](tmp_path)
    assert 7 not in found["shot_001"] and 7 in found["shot_002"]


def test_an_index_png_gives_a_shared_pixel_to_the_surest_object(tmp_path: Path):
    write("png", tmp_path, story(6))
    found = read_png(tmp_path)
    for told in story(6):
        labels = told.labels()
        for object_id in told.objects:
            np.testing.assert_array_equal(found[told.name].get(object_id, NOTHING), labels == object_id)
    assert (found["shot_004"][1] == blob(8, 4)).all()  # the lower id is the surer one in this story


def test_an_index_png_has_the_davis_palette_and_the_size_of_the_source(tmp_path: Path):
    write("png", tmp_path, story(1))
    with Image.open(tmp_path / "masks" / "shot_000.png") as image:
        assert (image.mode, image.size) == ("P", (50, 36))
        np.testing.assert_array_equal(np.reshape(image.getpalette() or [], (256, 3)), davis_palette())


def test_ids_beyond_the_palette_are_written_in_sixteen_bits_with_a_word(tmp_path: Path):
    with pytest.warns(UserWarning, match="Object 300 is beyond the 255 colours"):
        write("png", tmp_path, iter([annotation(n, {300: blob(3, 3)}) for n in range(2)]))
    assert np.asarray(Image.open(tmp_path / "masks" / "00001.png")).max() == 300


@pytest.mark.parametrize("wrong", [0, -2, 70_000])
def test_ids_no_png_can_hold_are_refused(wrong: int, tmp_path: Path):
    with pytest.raises(InputError, match=f"Object {wrong} in frame 0"):
        write("png", tmp_path, iter([annotation(0, {wrong: blob(3, 3)})]))


@pytest.mark.parametrize("name", ["png", "object-png"])
@pytest.mark.parametrize("wrong", ["../outside", "/outside"])
def test_a_frame_name_cannot_lead_out_of_the_folder(name: str, wrong: str, tmp_path: Path):
    with pytest.raises(InputError, match="cannot name a file"):
        write(name, tmp_path / "run", iter([annotation(0, {1: blob(3, 3)}, name=wrong)]))


def test_the_table_has_the_agreed_columns_and_empty_cells_for_an_empty_mask(tmp_path: Path):
    write("csv", tmp_path, story(4))
    lines = (tmp_path / "tracks.csv").read_text().splitlines()
    assert lines[0] == "frame,time,object,x0,y0,x1,y1,score,visible,area"
    assert lines[1] == "0,0.000000,1,0,4,12,13,0.125000,1,108"
    assert lines[5] == "3,0.375000,1,,,,,0.125000,0,0"


def test_parquet_agrees_with_the_table(tmp_path: Path):
    for name in ("csv", "parquet"):
        write(name, tmp_path, story(5))
    rows = pyarrow.parquet.read_table(tmp_path / "tracks.parquet").to_pylist()
    for row, line in zip(rows, csv.DictReader((tmp_path / "tracks.csv").open()), strict=True):
        for column, text in line.items():
            assert row[column] is None if text == "" else float(row[column]) == float(text)


def test_parquet_row_groups_do_not_lose_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("vidmem.writers.parquet.ROWS", 7)
    write("parquet", tmp_path, story(40))
    file = pyarrow.parquet.ParquetFile(tmp_path / "tracks.parquet")
    assert file.num_row_groups > 3
    assert file.read(["frame"]).column("frame").to_pylist() == [t.frame for t in story(40) for _ in t.objects]


def test_coco_run_lengths_carry_what_the_tracker_said(tmp_path: Path):
    write("rle", tmp_path, story(4))
    coco: Any = COCO(str(tmp_path / "tracks.rle.json"))
    first = coco.loadAnns(coco.getAnnIds(imgIds=[2]))[0]
    assert (first["object_id"], first["bbox"], first["area"]) == (1, [4, 4, 12, 9], 108)
    assert (first["score"], first["visible"], coco.imgs[2]["time"]) == (0.125, True, 0.25)
    lost = coco.loadAnns(coco.getAnnIds(imgIds=[3]))[0]
    assert (lost["visible"], lost["bbox"], coco.annToMask(lost).sum()) == (False, [0, 0, 0, 0], 0)
    assert len({each["id"] for each in coco.dataset["annotations"]}) == len(coco.dataset["annotations"])


def test_the_list_of_images_finds_room_however_long_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("vidmem.writers.rle.ROOM", 300)
    writer = writers["rle"](tmp_path)
    for told in story(60):
        writer.write(told)
        assert len(json.loads((tmp_path / "tracks.rle.json").read_bytes())["images"]) == told.frame + 1
    writer.close()
    assert b"  " not in (tmp_path / "tracks.rle.json").read_bytes()
    assert len(read_rle(tmp_path)["shot_059"]) == 2


def test_scores_that_are_no_numbers_leave_whole_json(tmp_path: Path):
    odd = ObjectAnnotation(blob(3, 3), float("nan"), True, object_score_logit=float("-inf"))
    for name in ("rle", "ytvos"):
        write(name, tmp_path, iter([Annotation(0, 0.0, "a", SIZE, {1: odd})]))
        text = (tmp_path / f"tracks.{name}.json").read_text()
        assert "NaN" not in text and "Infinity" not in text and json.loads(text)


def test_ytvos_has_an_item_for_each_frame(tmp_path: Path):
    write("ytvos", tmp_path, story(5))
    content = json.loads((tmp_path / "tracks.ytvos.json").read_bytes())
    assert content["videos"][0]["length"] == 5
    first, second = content["annotations"]
    assert [item is None for item in first["segmentations"]] == [False, False, False, True, False]
    assert [item is None for item in second["bboxes"]] == [True, True, False, False, False]
    assert (first["areas"][0], second["scores"][2], second["score"]) == (108, 0.875, 0.875)
