"""ImageNet VID end to end on a real clip, in the layout of the set: detected, scored, and the truth as if found."""

import json
import os
from collections import defaultdict
from csv import DictReader
from pathlib import Path

import pytest
from test_eval_scripts import run
from tiny_detectors import tiny

from vidmem.detectors import checkpoints

CLIP, AIRPLANE = "ILSVRC2015_val_00007010", "n02691156"
FRAMES = range(4)


@pytest.fixture
def root(data: Path, tmp_path: Path) -> Path:
    """The clip's first frames in the layout of ImageNet VID, with the boxes that were made by hand for it."""
    rows = defaultdict(list)
    for row in DictReader((data / "vid" / CLIP / "boxes_derived.csv").open()):
        rows[int(row["frame"])].append(row)
    out = tmp_path / "vid"
    pictures, notes = out / "Data/VID/val" / CLIP, out / "Annotations/VID/val" / CLIP
    for folder in (pictures, notes, out / "ImageSets/VID"):
        folder.mkdir(parents=True)
    for frame in FRAMES:
        os.symlink(data / "vid" / CLIP / f"frames/{frame:05d}.jpg", pictures / f"{frame:06d}.JPEG")
        said = "".join(
            f"<object><trackid>{row['track']}</trackid><name>{AIRPLANE}</name><bndbox>"
            + "".join(f"<{side}>{row[key]}</{side}>" for side, key in zip(SIDES, ("x1", "y1", "x2", "y2"), strict=True))
            + "</bndbox><occluded>0</occluded><generated>0</generated></object>"
            for row in rows[frame]
        )
        size = "<size><width>1280</width><height>720</height></size>"
        (notes / f"{frame:06d}.xml").write_text(f"<annotation>{size}{said}</annotation>")
    listed = "".join(f"{CLIP}/{frame:06d} {frame + 1}\n" for frame in FRAMES)
    (out / "ImageSets/VID/val.txt").write_text(listed)
    return out


SIDES = ("xmin", "ymin", "xmax", "ymax")


@pytest.mark.real
def test_a_real_clip_is_detected_and_scored_by_one_command(monkeypatch, root, tmp_path):
    weights = tmp_path / "tiny.safetensors"
    checkpoints.save(tiny(classes=("airplane", "zebra")), weights)
    given = ("--root", root, "--detector", "mamba", "--model", weights, "--device", "cpu", "--workers", 1)
    assert run(monkeypatch, "imagenet_vid.py", *given, "--out", tmp_path / "out") == 0
    report = json.loads((tmp_path / "out/report-mamba-online/report.json").read_text())
    assert 0 <= report["metrics"]["AP"] < 0.5, "a detector that learned nothing finds no aeroplanes"


@pytest.mark.real
def test_the_truth_of_a_real_clip_scores_whole(monkeypatch, data, root, tmp_path):
    rows = [
        row for row in DictReader((data / "vid" / CLIP / "boxes_derived.csv").open()) if int(row["frame"]) in FRAMES
    ]
    said = [
        {
            "image_id": f"{CLIP}/{int(row['frame']):06d}",
            "category_id": 1,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "score": 1.0,
        }
        for row in rows
        for x0, y0, x1, y1 in [[float(row[key]) for key in ("x1", "y1", "x2", "y2")]]
    ]
    (tmp_path / "detections.json").write_text(json.dumps(said))
    given = ("--root", root, "--results", tmp_path / "detections.json", "--workers", 1)
    assert run(monkeypatch, "imagenet_vid.py", *given, "--out", tmp_path / "out") == 0
    found = json.loads(next((tmp_path / "out").rglob("report.json")).read_text())
    assert found["metrics"]["AP"] == pytest.approx(1.0)
