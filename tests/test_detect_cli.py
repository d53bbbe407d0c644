"""`vidmem detect`, `vidmem track --detector` and eval/imagenet_vid.py end to end, with a small detector."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from test_eval_scripts import run
from tiny_detectors import frames, tiny

from vidmem.__main__ import main
from vidmem.detectors import checkpoints
from vidmem.drawn_vid import PATTERNS
from vidmem.models.toy import Toy
from vidmem.seeding import SeededState, mask_iou, seeded
from vidmem.tracker import Tracker
from vidmem.videos.write_vid import Split, write_vid


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    checkpoints.save(tiny(classes=tuple(PATTERNS)), path)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    for frame in frames(4):
        Image.fromarray(frame.image.permute(1, 2, 0).numpy()).save(folder / f"{frame.name}.png")
    return folder


def detect(clip, weights, out, *more):
    common = ["--model", str(weights), "--out", str(out), "--score", "0", "--device", "cpu"]
    return main(["detect", str(clip), *common, *map(str, more)])


def test_boxes_are_written_in_every_form_and_what_is_remembered_is_kept(clip, weights, tmp_path, capsys):
    assert detect(clip, weights, tmp_path / "a", "--formats", "csv,coco,parquet,mp4") == 0
    names = {each.name for each in (tmp_path / "a").iterdir()}
    assert names == {"boxes.mp4", "detections.csv", "detections.json", "detections.parquet", "memory.vmem"}
    rows = list(csv.DictReader((tmp_path / "a/detections.csv").open()))
    assert rows and {each["id"] for each in rows} == {""} and {each["class"] for each in rows} <= set(PATTERNS)
    assert "4 frames at" in capsys.readouterr().out


def test_linked_objects_have_ids(clip, weights, tmp_path):
    assert detect(clip, weights, tmp_path / "a", "--link", "--formats", "csv") == 0
    rows = list(csv.DictReader((tmp_path / "a/detections.csv").open()))
    assert all(int(each["id"]) > 0 for each in rows)


def test_a_run_goes_on_with_what_another_remembered(clip, weights, tmp_path, capsys):
    detect(clip, weights, tmp_path / "a", "--formats", "csv")
    assert detect(clip, weights, tmp_path / "b", "--formats", "csv", "--remembered", tmp_path / "a/memory.vmem") == 0
    before, after = ((tmp_path / each / "memory.vmem").stat().st_size for each in "ab")
    assert after > before
    code = detect(clip, weights, tmp_path / "c", "--detector", "window", "--remembered", tmp_path / "a/memory.vmem")
    assert code == 3 and "was remembered with bank 'Sampled'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "more, code, words",
    [
        (("--formats", "xml"), 2, "No writer of detections is named 'xml'"),
        (("--score", "3"), 2, "--score 3 is none"),
        (("--detector", "single"), 2, "They go with"),
        (("--detector", "mambo"), 2, "Known: mamba"),
        (("--model", "nano"), 4, "No detector is named 'nano'"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(clip, weights, tmp_path, capsys, more, code, words):
    assert detect(clip, weights, tmp_path / "a", *more) == code
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_a_folder_without_pictures_and_a_folder_with_results_are_refused(clip, weights, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert detect(tmp_path / "empty", weights, tmp_path / "a") == 3
    detect(clip, weights, tmp_path / "b", "--formats", "csv")
    assert detect(clip, weights, tmp_path / "b") == 3 and "--overwrite" in capsys.readouterr().err
    assert detect(clip, weights, tmp_path / "b", "--overwrite", "--formats", "csv") == 0


@pytest.mark.parametrize("protocol", ["online", "paper"])
def test_imagenet_vid_is_detected_and_scored_by_one_command(monkeypatch, weights, tmp_path, capsys, protocol):
    root = write_vid(tmp_path / "vid", splits={"val": Split(2, 3, 0)})
    given = ("--root", root, "--detector", "mamba", "--model", weights, "--protocol", protocol, "--device", "cpu")
    assert run(monkeypatch, "imagenet_vid.py", *given, "--out", tmp_path / "out", "--workers", 1) == 0
    report = json.loads((tmp_path / f"out/report-mamba-{protocol}/report.json").read_text())
    assert 0 <= report["metrics"]["AP"] <= 1
    rows = json.loads((tmp_path / f"out/mamba-{protocol}/detections.json").read_text())
    assert {each["image_id"].split("/")[1] for each in rows} == {"000000", "000001", "000002"}
    assert run(monkeypatch, "imagenet_vid.py", *given, "--out", tmp_path / "out", "--seed", 5) == 2
    assert "made with seed 0, now it is 5" in capsys.readouterr().err, "detections of another run are never scored"


def test_scoring_needs_either_a_detector_or_results(monkeypatch, tmp_path, capsys):
    assert run(monkeypatch, "imagenet_vid.py", "--root", tmp_path) == 2
    assert "either --detector" in capsys.readouterr().err


class Finding:
    """A detector that finds what it is told to."""

    def __init__(self, boxes):
        self.boxes = boxes

    def start(self, seed=0):
        return ()

    def step(self, stream, frame):
        from test_linking import found

        rows = self.boxes.get(frame.index, [])
        told = found(frame.index, *((0, 0, 0.9, 1) for _ in rows))
        return (*stream, frame.index), replace(told, boxes=np.array(rows, float).reshape(-1, 4))


def square(number: int):
    """Two coloured squares on grey, the second from frame 2 on."""
    from vidmem.values import Frame

    image = torch.full((3, 64, 96), 20, dtype=torch.uint8)
    image[0, 10:30, 10 + number : 30 + number] = 250
    if number >= 2:
        image[1, 34:54, 60:80] = 250
    return Frame(number, image)


def follow(boxes, every=2):
    tracker = seeded(Tracker(Toy()), Finding(boxes), every=every)  # type: ignore[arg-type]
    state, ids = {}, []
    for number in range(6):
        state, track = tracker.step(state, square(number))
        ids.append(sorted(each for each, guess in track.guesses.items() if guess.visible))
    return state, ids


def test_new_objects_join_and_keep_their_ids():
    red, green = [[10 + t, 10, 30 + t, 30] for t in range(6)], [60, 34, 80, 54]
    state, ids = follow({0: [red[0]], 2: [red[2], green], 4: [green, red[4]]})
    assert ids == [[1], [1], [1, 2], [1, 2], [1, 2], [1, 2]]
    assert isinstance(state, SeededState) and state.stream == (0, 2, 4) and state.next_id == 3


def test_a_detection_of_what_is_followed_begins_nothing_and_two_alike_begin_one():
    assert follow({0: [[10, 10, 30, 30], [11, 10, 30, 31]]})[1] == [[1]] * 6


def test_mask_iou():
    one = torch.zeros(4, 4, dtype=torch.bool)
    one[:2] = True
    assert mask_iou(one, one) == 1 and mask_iou(one, ~one) == 0 and mask_iou(one & False, one & False) == 0


def test_a_tracked_run_with_a_detector_resumes(clip, weights, tmp_path):
    given = ["--model", "toy", "--detector", "mamba", "--detector-model", str(weights), "--detect-score", "0.01"]
    given += ["--detect-every", "1", "--out", str(tmp_path / "t"), "--formats", "csv", "--device", "cpu"]
    assert main(["track", str(clip), *given, "--frames", "2"]) == 0
    assert main(["track", str(clip), *given, "--resume"]) == 0
    assert (tmp_path / "t/tracks.csv").is_file()
    assert main(["track", str(clip), *given, "--resume", "--emit", "commit"]) == 2


@pytest.mark.real
def test_a_real_clip_of_imagenet_vid_runs_through(data, weights, tmp_path):
    frames_of = data / "vid/ILSVRC2015_val_00007010/frames"
    assert detect(frames_of, weights, tmp_path / "a", "--frames", 2, "--formats", "csv,mp4") == 0
    assert len((tmp_path / "a/detections.csv").read_text().splitlines()) > 1
