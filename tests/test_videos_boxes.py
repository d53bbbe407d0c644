"""Data sets of boxes: small trees of every layout are read back exactly, and broken ones are told."""

import json

import dataset_trees as trees
import numpy as np
import pytest

from vidmem.videos import BoxTruth, DetectionTruth, TrueBox, Video, open_dataset
from vidmem.videos.imagenet_vid import CLASSES
from vidmem.videos.root import BrokenDataset


def opened(card, root, split=None):
    """The data set of a card over its made tree."""
    trees.TREES[card](root)
    return open_dataset(card, root, split)


def box_truth(video: Video) -> BoxTruth:
    assert isinstance(video.truth, BoxTruth)
    return video.truth


def detection_truth(video: Video) -> DetectionTruth:
    assert isinstance(video.truth, DetectionTruth)
    return video.truth


def told(video: Video) -> dict[int, list[float]]:
    """frame index -> the box of object 1 there."""
    said = {}
    for index, prompts in video.prompts().items():
        (prompt,) = prompts
        assert prompt.object_id == 1 and prompt.box is not None
        said[index] = prompt.box.tolist()
    return said


def test_lasot_is_absent_where_hidden_or_out_of_view(tmp_path):
    dataset = opened("lasot", tmp_path)
    assert dataset.names() == ["airplane-10", "airplane-2"]  # in the order of the list
    video = dataset.video("airplane-2")
    truth = box_truth(video)
    assert video.frame_names == truth.names == ("00000001", "00000002", "00000003", "00000004")
    assert truth.boxes.tolist() == [[2, 3, 12, 11], [3, 3, 13, 11], [0, 0, 0, 0], [5, 3, 15, 11]]
    assert truth.absent.tolist() == [False, False, True, False]
    assert truth.box("00000003") is None and truth.box("00000004") == (5, 3, 15, 11)
    assert truth.flags["full_occlusion"].tolist() == [0, 0, 1, 0] and not truth.flags["out_of_view"].any()
    assert truth.category == "airplane" and told(video) == {0: [2, 3, 12, 11]}


def test_lasot_without_a_list_is_all_there_is_in_natural_order(tmp_path):
    assert opened("lasot_ext", tmp_path).names() == ["atv-1", "atv-2", "atv-10"]


def test_got10k_has_labels_and_a_class(tmp_path):
    video = opened("got10k", tmp_path).video("GOT-10k_Val_000001")
    truth = box_truth(video)
    assert len(video) == 3 and truth.boxes[0].tolist() == [2, 3, 12.5, 11]
    assert truth.absent.tolist() == [False, True, False] and truth.flags["cover"].tolist() == [8, 0, 5]
    assert truth.flags["cut_by_image"].tolist() == [0, 0, 1] and truth.category == "animal"


def test_got10k_test_has_the_first_box_only(tmp_path):
    dataset = opened("got10k", tmp_path, "test")
    video = dataset.video("GOT-10k_Test_000001")
    truth = box_truth(video)
    assert dataset.server and not truth.complete and len(video) == 3
    assert truth.names == ("00000001",) and truth.box("00000002") is None and told(video) == {0: [2, 3, 12.5, 11]}


def test_otb_has_a_hundred_objects_by_its_list(tmp_path):
    dataset = opened("otb", tmp_path)
    names = dataset.names()
    assert len(names) == 100 and len(open_dataset("otb", tmp_path, "2013")) == 51
    assert {"Jogging.1", "Jogging.2", "Skating2.1", "Human4.2"} <= {*names} and "Human4.1" not in names
    assert box_truth(dataset.video("Jogging.2")).boxes.tolist() == [[5, 6, 12, 14]] * 2


def test_otb_takes_the_annotated_range_of_frames(tmp_path):
    trees.otb(tmp_path, ["David", "BlurCar1"])
    dataset = open_dataset("otb", tmp_path, "2015")
    with pytest.raises(BrokenDataset, match=r"Basketball/groundtruth_rect.txt is missing"):
        dataset.names()
    layout = type(dataset.layout)(dataset.root, ranges={"David": [300, 770]})  # type: ignore[call-arg]
    assert layout.names() == ["BlurCar1", "David"]
    david, car = layout.video("David"), layout.video("BlurCar1")
    assert (david.frame_names[0], david.frame_names[-1], len(david)) == ("0300", "0770", 471)
    assert car.frame_names == ("0247", "0248")


def test_tld_reads_a_film_and_gaps(tmp_path):
    video = opened("tld", tmp_path).video("car")
    truth = box_truth(video)
    assert truth.absent.tolist() == [False, True, True, False] and truth.inclusive
    assert truth.box("00000") == (2, 3, 12, 14) and truth.box("00001") is None
    assert told(video) == {0: [2, 3, 13, 15]}  # a prompt's box ends behind the last pixel
    assert [frame.name for frame in video.frames()] == list(video.frame_names) == list(truth.names)


def test_vot_has_rotated_and_upright_boxes(tmp_path):
    ants, bag = opened("vot", tmp_path)
    truth = box_truth(bag)
    assert truth.polygons is not None and truth.polygons.shape == (2, 8)
    assert truth.boxes.tolist() == [[2, 2, 12, 12], [3, 2, 13, 12]] and truth.flags["occlusion"].tolist() == [0, 1]
    assert box_truth(ants).polygons is None and box_truth(ants).box("00000001") == (4, 2, 16, 6)
    assert told(bag) == {0: [2, 2, 12, 12]}


def test_imagenet_vid_reads_every_object_of_a_frame(tmp_path):
    dataset = opened("imagenet_vid", tmp_path)
    assert dataset.names() == ["ILSVRC2015_val_00000000"]  # once, though the list names each frame
    video = dataset.video("ILSVRC2015_val_00000000")
    truth = detection_truth(video)
    assert truth.boxes("000000") == (
        TrueBox(1, 0, (2, 3, 12, 13), frozenset(["occluded"])),
        TrueBox(30, 7, (4, 5, 9, 19), frozenset(["generated"])),
    )
    assert truth.boxes("000002") == () and truth.boxes("000003") is None
    assert truth.classes[1] == "airplane" and truth.classes[30] == "zebra" and truth.inclusive
    assert video.prompts() == {} and [frame.name for frame in video.frames()] == ["000000", "000001", "000002"]


def test_imagenet_vid_train_lies_one_folder_deeper(tmp_path):
    dataset = opened("imagenet_vid", tmp_path, "train")
    (name,) = dataset.names()
    assert name == "ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000" and len(dataset.video(name)) == 3


def test_the_thirty_classes_are_numbered_by_name():
    assert list(CLASSES) == list(range(1, 31)) and list(CLASSES.values()) == sorted(CLASSES.values())


def test_coco_vid_orders_frames_by_frame_id(tmp_path):
    video = opened("imagenet_vid-coco", tmp_path).video("ILSVRC2015_val_00000000")
    truth = detection_truth(video)
    assert video.frame_names == ("000000", "000001", "000002")
    assert truth.boxes("000000") == (TrueBox(1, 4, (2, 3, 12, 13), frozenset(["occluded"])),)
    assert truth.boxes("000001") == (TrueBox(30, 4, (4, 5, 9, 19), frozenset(["generated"])),)
    assert truth.boxes("000002") == () and truth.classes == {1: "airplane", 30: "zebra"}
    assert np.allclose([float(frame.image.float().mean()) for frame in video.frames()], [10, 20, 30], atol=1)


def test_mot_reads_class_and_visibility_from_mot16_on(tmp_path):
    truth = detection_truth(opened("mot", tmp_path).video("MOT17-02-FRCNN"))
    assert truth.boxes("000001") == (
        TrueBox(1, 2, (10, 5, 18, 17), visibility=0.5),
        TrueBox(8, 3, (1, 1, 5, 5), frozenset(["ignored"])),
    )
    assert truth.boxes("000002") == () and truth.boxes("000003") == (TrueBox(1, 2, (12.5, 5, 20.5, 17)),)


def test_mot15_has_places_in_the_world_where_later_ones_have_a_class(tmp_path):
    assert detection_truth(opened("mot", tmp_path).video("TUD-Campus")).boxes("000001") == (
        TrueBox(1, 1, (9, 8, 15, 13)),
    )


def test_mot_test_has_no_truth(tmp_path):
    truth = detection_truth(opened("mot", tmp_path, "test").video("MOT17-02-FRCNN"))
    assert not truth.complete and truth.frames == {}


def test_making_a_video_of_detections_reads_no_annotation(tmp_path):
    dataset = opened("imagenet_vid", tmp_path)
    for path in tmp_path.rglob("*.xml"):
        path.write_text("<annotation>")
    video = dataset.video("ILSVRC2015_val_00000000")
    with pytest.raises(BrokenDataset, match=r"000000.xml is no XML"):
        _ = detection_truth(video).frames


def rewritten(place, was, now):
    def harm(root):
        path = root / place
        content = path.read_text()
        assert was in content
        path.write_text(content.replace(was, now, 1))

    return harm


def coco_without(word):
    def harm(root):
        path = root / "annotations/imagenet_vid_val.json"
        said = json.loads(path.read_text())
        said.pop(word) if word in said else said["annotations"][0].pop(word)
        path.write_text(json.dumps(said))

    return harm


AIR = "airplane/airplane-2"
GOT = "val/GOT-10k_Val_000001"
XML = "Annotations/VID/val/ILSVRC2015_val_00000000/000000.xml"
COCO = "annotations/imagenet_vid_val.json"
GT = "train/MOT17-02-FRCNN/gt/gt.txt"
BROKEN = [
    (
        "lasot",
        rewritten(f"{AIR}/groundtruth.txt", "2,3,10,8\n", ""),
        f"{AIR}/groundtruth.txt",
        "has 3 lines for 4 frames",
    ),
    (
        "lasot",
        rewritten(f"{AIR}/groundtruth.txt", "3,3,10", "3,10"),
        f"{AIR}/groundtruth.txt",
        "has 3 entries in line 2, not 4",
    ),
    (
        "lasot",
        rewritten(f"{AIR}/groundtruth.txt", "2,3", "two,3"),
        f"{AIR}/groundtruth.txt",
        "has 'two,3,10,8' in line 1",
    ),
    (
        "lasot",
        rewritten(f"{AIR}/out_of_view.txt", "0,0,0,0", "0,0"),
        f"{AIR}/out_of_view.txt",
        "has 2 flags for 4 frames",
    ),
    (
        "lasot",
        rewritten(f"{AIR}/out_of_view.txt", "0", "no"),
        f"{AIR}/out_of_view.txt",
        "holds something that is no number",
    ),
    ("lasot", lambda root: (root / f"{AIR}/out_of_view.txt").unlink(), f"{AIR}/out_of_view.txt", "is missing"),
    ("got10k", lambda root: (root / f"{GOT}/cover.label").unlink(), f"{GOT}/cover.label", "is missing"),
    ("got10k", rewritten(f"{GOT}/meta_info.ini", "[METAINFO]", "METAINFO"), f"{GOT}/meta_info.ini", "is no INI file"),
    ("tld", lambda root: (root / "car/video.mpg").unlink(), "car/video.mpg", "is missing"),
    ("tld", lambda root: (root / "car/gt.txt").write_text("\n"), "car/gt.txt", "is empty"),
    ("tld", lambda root: (root / "car/gt.txt").write_bytes(b"\xff\xfe1"), "car/gt.txt", "is no text"),
    (
        "vot",
        rewritten("bag/groundtruth.txt", "4,2", "m0,4,2"),
        "bag/groundtruth.txt",
        "holds masks (VOT 2020 and later)",
    ),
    (
        "vot",
        rewritten("bag/groundtruth.txt", "\n5,2,", "\n5,2,1,1,"),
        "bag/groundtruth.txt",
        "entries in line 2, not 8",
    ),
    ("imagenet_vid", rewritten(XML, "n02691156", "n00000000"), XML, "names the class 'n00000000'"),
    ("imagenet_vid", rewritten(XML, "<trackid>0", "<trackid>"), XML, "without a number for its track or box"),
    ("imagenet_vid-coco", coco_without("categories"), COCO, "has no list 'categories' at its top"),
    ("imagenet_vid-coco", coco_without("bbox"), COCO, "lacks bbox in annotations[0]"),
    ("imagenet_vid-coco", rewritten(COCO, '"category_id": 1', '"category_id": 9'), COCO, "of category 9"),
    ("mot", rewritten(GT, "3,2,12.5", "4,2,12.5"), GT, "has frame 4, class 1 in line 3"),
    ("mot", rewritten(GT, "1,2,10,5,8,12,1,1,0.5", "1,2,10"), GT, "has '1,2,10' in line 1"),
    (
        "mot",
        rewritten("train/TUD-Campus/seqinfo.ini", "seqLength=1", ""),
        "train/TUD-Campus/seqinfo.ini",
        "says no seqLength",
    ),
]


@pytest.mark.parametrize(
    ("card", "harm", "path", "words"), BROKEN, ids=[f"{each[0]}-{each[3][:32].replace('/', '')}" for each in BROKEN]
)
def test_what_is_broken_is_named_with_the_tree_that_is_expected(tmp_path, card, harm, path, words):
    trees.TREES[card](tmp_path)
    harm(tmp_path)
    with pytest.raises(BrokenDataset) as told_error:
        for video in open_dataset(card, tmp_path):
            video.prompts()
            if isinstance(video.truth, DetectionTruth):
                _ = video.truth.frames
    error = told_error.value
    assert str(error.path) == str(tmp_path / path) and words in error.reason
    assert str(tmp_path / path) in str(error) and open_dataset(card, tmp_path).root.tree.strip() in str(error)
