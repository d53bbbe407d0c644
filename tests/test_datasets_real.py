"""Real clips, read as they lie."""

import json
from pathlib import Path

import numpy as np
import pytest

from vidmem.videos import BoxTruth, DetectionTruth, MaskTruth, Video, open_dataset
from vidmem.videos.boxes_from_masks import boxes_from_masks
from vidmem.videos.check import check_video

pytestmark = pytest.mark.real


def mask_truth(video: Video) -> MaskTruth:
    assert isinstance(video.truth, MaskTruth)
    return video.truth


def own_card(folder: Path, layout: str) -> str:
    """A card of a data set that has none."""
    head = 'title = "Own"\npaper = "none"\nlicence = "own"\naddress = "own"\nprotocol = "imagenet_vid"\ntree = ""\n'
    (folder / "own.toml").write_text(f"{head}\n[layout]\n{layout}\n")
    return str(folder / "own.toml")


def test_davis_2016_lies_as_its_card_says(data):
    dataset = open_dataset("davis16", data / "DAVIS")
    assert dataset.names() == ["blackswan", "bmx-trees", "car-shadow", "dog", "libby", "drift-straight"]
    assert [len(video) for video in dataset] == [50, 80, 40, 60, 49, 50]
    for video in dataset:
        truth = mask_truth(video)
        assert set(truth.objects) == {1} and truth.size == (480, 854) and truth.annotated == video.frame_names
        assert next(iter(video.frames())).size == truth.size
    assert len(open_dataset("davis16", data / "DAVIS", "train")) == 4


def test_davis_2017_lies_beside_it(data):
    (video,) = open_dataset("davis17", data / "DAVIS")
    merged = mask_truth(open_dataset("davis16", data / "DAVIS").video("bmx-trees"))
    truth = mask_truth(video)
    assert video.name == "bmx-trees" and set(truth.objects) == {1, 2}
    for name in video.frame_names[::20]:
        labels, one = truth.labels(name), merged.labels(name)
        assert labels is not None and one is not None
        assert ((labels > 0) == (one > 0)).mean() > 0.99  # the two releases were drawn apart


def test_a_second_cap_enters_late_among_sparse_masks(data):
    video = open_dataset("folder", data / "xmem2-examples").video("caps")
    truth = mask_truth(video)
    assert len(video) == 87 and truth.annotated == ("00000", "00014", "00033", "00043", "00066")
    assert {index: [each.object_id for each in said] for index, said in video.prompts().items()} == {0: [1], 33: [2]}
    assert truth.size == (853, 480) and truth.labels("00001") is None


@pytest.mark.parametrize(("split", "count"), [("manual", 5), ("auto", 9)])
def test_sav_masklets_have_the_areas_that_their_file_states(data, split, count):
    path = data / "eval/sav-json"
    video = open_dataset("sav-train", path, split).video("sav_000001")
    truth = mask_truth(video)
    said = json.loads((path / f"sav_000001_{split}.json").read_text())
    assert len(video) == 483 and len(truth.annotated) == 121 and truth.annotated[-1] == "00480"
    assert truth.size == (848, 480) and len(truth.objects) == count
    first = [4 * int(row) for row in said["masklet_first_appeared_frame"]]
    assert [int(each.begins) for each in truth.objects.values()] == first
    areas = {object_id: [] for object_id in truth.objects}
    for name in truth.annotated:
        for object_id, mask in (truth.masks(name) or {}).items():
            areas[object_id].append(mask.sum())
    means = [np.mean([area for area in row if area]) for row in areas.values()]
    assert np.allclose(means, said["masklet_size_abs"], rtol=2e-3)


@pytest.mark.parametrize(
    ("name", "frames", "absent"), [("jumping", 313, 0), ("pedestrian2", 338, 72), ("car", 945, 85)]
)
def test_tld_films_have_a_line_a_frame(data, name, frames, absent):
    video = open_dataset("tld", data / "tld").video(name)
    truth = video.truth
    assert isinstance(truth, BoxTruth) and len(video) == frames and int(truth.absent.sum()) == absent
    found = check_video(video)
    assert not found.problems and found.boxes == frames - absent


def test_vot_bag_is_rotated(data):
    (video,) = open_dataset("vot", data / "vot")
    truth = video.truth
    assert isinstance(truth, BoxTruth) and truth.polygons is not None and len(video) == 196
    assert truth.box(video.frame_names[0]) == (291.827, 124.711, 442.173, 264.289)
    assert next(iter(video.frames())).size == (360, 480)


def test_mot15_ground_truth_is_read(data):
    dataset = open_dataset("mot", data / "eval/mmtracking/demo_MOT15_data")
    sizes = {}
    for video in dataset:
        assert isinstance(video.truth, DetectionTruth)
        sizes[video.name] = (len(video), sum(map(len, video.truth.frames.values())))
    assert sizes == {"TUD-Campus": (71, 359), "TUD-Stadtmitte": (179, 1156)}


def test_a_vid_snippet_is_read_from_coco_vid(data, tmp_path):
    folder = data / "vid/ILSVRC2015_val_00007010"
    rows = [line.split(",") for line in (folder / "boxes_derived.csv").read_text().split()[1:]]
    said = {
        "videos": [{"id": 1, "name": "ILSVRC2015_val_00007010"}],
        "images": [
            {"id": frame, "video_id": 1, "frame_id": frame, "file_name": f"frames/{frame:05d}.jpg"}
            for frame in range(78)
        ],
        "categories": [{"id": 1, "name": "airplane"}],
        "annotations": [
            {
                "image_id": int(frame),
                "category_id": 1,
                "instance_id": int(track),
                "bbox": [int(x0), int(y0), int(x1) - int(x0), int(y1) - int(y0)],
            }
            for frame, track, _, x0, y0, x1, y1 in rows
        ],
    }
    (tmp_path / "boxes.json").write_text(json.dumps(said))
    card = own_card(tmp_path, f'name = "coco_vid"\nannotations = "{tmp_path / "boxes.json"}"')
    (video,) = open_dataset(card, folder)
    assert isinstance(video.truth, DetectionTruth)
    assert {len(boxes) for boxes in video.truth.frames.values()} == {7}
    boxes = video.truth.boxes("00000")
    assert boxes and boxes[0].box == (653, 62, 715, 156) and boxes[0].track_id == 0
    assert next(iter(video.frames())).size == (720, 1280)


def test_boxes_derived_from_davis_masks_are_those_derived_by_others(data, tmp_path):
    """Every box of every sequence, by way of a COCO-VID file."""
    expected = json.loads((data / "davis2016-boxes-derived.json").read_text())["sequences"]
    dataset = open_dataset("davis16", data / "DAVIS")
    said = boxes_from_masks(dataset, {name: expected[name]["class"] for name in dataset.names()})
    (tmp_path / "boxes.json").write_text(json.dumps(said))
    card = own_card(tmp_path, f'name = "coco_vid"\nannotations = "{tmp_path / "boxes.json"}"')
    for video in open_dataset(card, data / "DAVIS"):
        truth = video.truth
        assert isinstance(truth, DetectionTruth)
        found = []
        for name in video.frame_names:
            boxes = truth.boxes(name) or ()
            found.append([*boxes[0].box[:2], boxes[0].box[2] - 1, boxes[0].box[3] - 1] if boxes else None)
            assert all(truth.classes[each.class_id] == expected[video.name]["class"] for each in boxes)
        assert found == expected[video.name]["boxes_xyxy_inclusive"]
