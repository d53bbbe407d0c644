"""Data sets of masks: small trees of every layout are read back exactly, and broken ones are told."""

import json

import dataset_trees as trees
import numpy as np
import pytest
import torch
from PIL import Image

from vidmem.errors import InputError, UsageError
from vidmem.videos import MaskTruth, TrueObject, Video, open_dataset
from vidmem.videos.root import BrokenDataset


def opened(card, root, split=None):
    """The data set of a card over its made tree."""
    trees.TREES[card](root)
    return open_dataset(card, root, split)


def truth_of(video: Video) -> MaskTruth:
    assert isinstance(video.truth, MaskTruth)
    return video.truth


def told(video: Video) -> dict[int, dict[int, np.ndarray]]:
    """frame index -> object id -> (H, W) bool."""
    return {
        index: {each.object_id: each.mask.numpy() for each in said if each.mask is not None}
        for index, said in video.prompts().items()
    }


def same(labels, expected) -> bool:
    return labels is not None and labels.dtype == np.int32 and np.array_equal(labels, expected)


def greys(video: Video) -> list[int]:
    """The grey of each frame, as the trees paint them; JPEG may be off by one."""
    return [round(float(frame.image.float().mean())) for frame in video.frames()]


def test_davis16_merges_what_moves_together(tmp_path):
    dataset = opened("davis16", tmp_path)
    assert dataset.protocol == "davis2016" and dataset.names() == ["surf", "dog"]  # in the order of the list
    surf, dog = dataset
    assert surf.frame_names == ("00000", "00001", "00002", "00003")
    assert same(truth_of(surf).labels("00002"), trees.labels(o1=(6, 4)))
    assert same(truth_of(dog).labels("00001"), trees.labels(o1=(2, 4)) | trees.labels(o1=(12, 5)))
    assert set(truth_of(dog).objects) == {1} and truth_of(dog).size == trees.SIZE


def test_frames_come_in_order_with_the_names_that_truth_uses(tmp_path):
    video = opened("davis16", tmp_path).video("surf")
    assert [(frame.index, frame.name) for frame in video.frames()] == list(enumerate(video.frame_names))
    assert np.allclose(greys(video), [10, 20, 30, 40], atol=1)


def test_davis17_tells_the_masks_of_the_first_frame(tmp_path):
    video = opened("davis17", tmp_path).video("bike")
    truth = truth_of(video)
    assert truth.objects == {1: TrueObject(1, "00000"), 2: TrueObject(2, "00000")}
    assert truth.void is None and truth.complete
    assert same(truth.labels("00000"), trees.labels(o1=(2, 2), o2=(14, 10)))  # 255 is no object and not void
    said = told(video)
    assert set(said) == {0} and set(said[0]) == {1, 2}
    assert np.array_equal(said[0][2], trees.labels(o2=(14, 10)) == 2)
    assert all(each.mask is not None and each.mask.dtype == torch.bool for each in video.prompts()[0])


def test_an_object_out_of_sight_has_an_empty_mask(tmp_path):
    masks = truth_of(opened("davis17", tmp_path).video("bike")).masks("00002")
    assert masks is not None and set(masks) == {1, 2}
    assert not masks[1].any() and masks[2].sum() == 36


def test_davis17_prefers_masks_of_2017_beside_those_of_2016(tmp_path):
    trees.davis16(tmp_path)
    trees.davis17(tmp_path, "Annotations_2017/480p")
    assert set(truth_of(open_dataset("davis17", tmp_path).video("bike")).objects) == {1, 2}


def test_test_dev_says_that_its_truth_is_kept_back(tmp_path):
    dataset = opened("davis17", tmp_path, "test-dev")
    truth = truth_of(dataset.video("aerobatics"))
    assert dataset.server and not truth.complete
    assert truth.annotated == ("00000",) and truth.labels("00001") is None and truth.masks("00001") is None


def test_davis17_unsupervised_tells_nothing_and_has_void(tmp_path):
    video = opened("davis17-unsupervised", tmp_path).video("bike")
    truth = truth_of(video)
    assert video.prompts() == {} and truth.void == 255
    labels = truth.labels("00001")
    assert labels is not None and labels[23, 31] == 255
    assert set(truth.objects) == {1, 2} and set(truth.masks("00001") or ()) == {1, 2}


def test_void_alone_stays_void(tmp_path):
    trees.davis17_unsupervised(tmp_path)
    alone = np.zeros(trees.SIZE, np.uint8)
    alone[:3] = 255
    trees.mask(tmp_path / "Annotations_unsupervised/480p/bike/00003.png", alone)
    assert same(truth_of(open_dataset("davis17-unsupervised", tmp_path).video("bike")).labels("00003"), alone)


def test_youtubevos_tells_a_late_object_where_it_begins(tmp_path):
    video = opened("youtubevos19", tmp_path).video("00f88c4f0a")
    truth = truth_of(video)
    said = told(video)
    assert {index: set(masks) for index, masks in said.items()} == {0: {1}, 2: {2}}
    assert np.array_equal(said[2][2], trees.labels(o2=(20, 12)) == 2)
    assert truth.objects[2].scored == ("00010", "00015") and truth.objects[2].category == "penguin"
    assert truth.objects[1].unseen is True and truth.objects[2].unseen is False
    assert not truth.complete


def test_youtubevos_with_all_frames_tells_at_the_same_names(tmp_path):
    video = opened("youtubevos18", tmp_path, "valid-all-frames").video("00f88c4f0a")
    assert len(video) == 16 and {index: set(masks) for index, masks in told(video).items()} == {0: {1}, 10: {2}}


def test_youtubevos_without_the_training_split_does_not_know_what_is_unseen(tmp_path):
    trees.youtubevos(tmp_path)
    (tmp_path / "train/meta.json").unlink()
    objects = truth_of(open_dataset("youtubevos19", tmp_path).video("00f88c4f0a")).objects
    assert [each.unseen for each in objects.values()] == [None, None]


def test_youtubevos_train_is_complete(tmp_path):
    truth = truth_of(opened("youtubevos19", tmp_path, "train").video("003234408d"))
    assert truth.complete and len(truth.annotated) == 4


@pytest.mark.parametrize("card", ["lvos1", "lvos2"])
def test_lvos_scores_each_object_in_its_own_range(tmp_path, card):
    dataset = opened(card, tmp_path)
    assert dataset.names() == ["R3UJGYwy", "SeenKind"]
    objects = truth_of(dataset.video("R3UJGYwy")).objects
    assert objects[1].scored == tuple(trees.numbered(6, 8, 1, 5))
    assert objects[2].scored == ("00000011", "00000016", "00000021") and objects[2].begins == "00000011"
    assert objects[1].unseen is True
    assert truth_of(dataset.video("SeenKind")).objects[1].unseen is False
    assert {i: set(m) for i, m in told(dataset.video("R3UJGYwy")).items()} == {0: {1}, 2: {2}}


def test_the_unseen_videos_of_lvos_are_those_of_its_evaluator():
    from vidmem.videos.dataset import read_card

    first, second = (read_card(f"lvos{version}")["splits"]["valid"]["unseen"] for version in (1, 2))
    assert (len(set(first)), len(set(second)), len(set(first) & set(second))) == (27, 51, 25)


def test_lvos_train_does_not_say_what_is_unseen(tmp_path):
    objects = truth_of(opened("lvos2", tmp_path, "train").video("SeenKind")).objects
    assert [each.unseen for each in objects.values()] == [None]


@pytest.mark.parametrize("card", ["mose", "mose2"])
def test_mose_has_only_first_masks_in_valid(tmp_path, card):
    dataset = opened(card, tmp_path)
    truth = truth_of(dataset.video("0a1b"))
    assert dataset.names() == ["0a1b"] and truth.annotated == ("00000",) and set(truth.objects) == {1, 3}
    assert not truth.complete and truth_of(open_dataset(card, tmp_path, "train").video("0a1b")).complete


@pytest.mark.parametrize("split", ["val", "test"])
def test_sav_keeps_objects_that_overlap(tmp_path, split):
    dataset = opened("sav", tmp_path, split)
    video = dataset.video("sav_000262")
    truth = truth_of(video)
    assert dataset.names() == ["sav_000262"] and len(video) == 9
    assert truth.annotated == ("00000", "00004", "00008")
    assert truth.objects == {1: TrueObject(1, "00000", stored_as="000"), 2: TrueObject(2, "00004", stored_as="001")}
    masks = truth.masks("00004")
    assert masks is not None
    assert np.array_equal(masks[1], trees.labels(o1=(5, 4)) == 1)
    assert (masks[1] & masks[2]).sum() == masks[2].sum() == 12
    assert same(truth.labels("00004"), masks[1] + masks[2].astype(np.int32))  # the higher id is on top
    assert truth.masks("00005") is None and truth.labels("00005") is None
    assert {index: set(said) for index, said in told(video).items()} == {0: {1}, 4: {2}}


def test_an_object_without_a_mask_file_in_a_frame_is_not_annotated_there(tmp_path):
    trees.sav(tmp_path)
    (tmp_path / "sav_val/Annotations_6fps/sav_000262/000/00008.png").unlink()
    assert set(truth_of(open_dataset("sav", tmp_path).video("sav_000262")).masks("00008") or ()) == {2}


@pytest.mark.parametrize("split", ["manual", "auto"])
def test_sav_train_reads_run_lengths(tmp_path, split):
    dataset = opened("sav-train", tmp_path, split)
    video = dataset.video("sav_000001")
    truth = truth_of(video)
    assert dataset.names() == ["sav_000001"] and len(video) == 9 and truth.size == (48, 64)
    assert truth.annotated == ("00000", "00004", "00008")
    assert {each: found.begins for each, found in truth.objects.items()} == {1: "00000", 2: "00008"}
    masks = truth.masks("00008")
    assert masks is not None and masks[1].sum() == 16 * 14 and masks[2].sum() == 16
    assert [frame.name for frame in video.frames()] == list(video.frame_names)
    assert {index: set(said) for index, said in told(video).items()} == {0: {1}, 8: {2}}


@pytest.mark.parametrize(("split", "count"), [("x1", 6), ("x3", 18)])
def test_longvideos_are_annotated_here_and_there(tmp_path, split, count):
    video = opened("longvideos", tmp_path, split).video("rat")
    truth = truth_of(video)
    assert len(video) == count and truth.annotated == tuple(trees.numbered(count)[::5])
    assert truth.labels("00001") is None and same(truth.labels("00005"), trees.labels(o1=(2, 2)))


def test_a_folder_of_clips_may_have_few_masks_and_late_objects(tmp_path):
    dataset = opened("folder", tmp_path)
    caps, chair = dataset
    assert [caps.name, chair.name] == ["caps", "chair"]
    assert truth_of(caps).annotated == ("00000", "00002")
    assert {index: set(said) for index, said in told(caps).items()} == {0: {1}, 2: {2}}
    assert chair.frame_names == ("img9", "img10")  # in natural order, truth and frames alike
    assert truth_of(chair).annotated == ("img9", "img10") and set(truth_of(chair).objects) == {1}


def test_the_root_may_be_one_clip(tmp_path):
    trees.folder(tmp_path)
    dataset = open_dataset("folder", tmp_path / "caps")
    assert dataset.names() == ["caps"] and len(dataset.video("caps")) == 4


def test_making_a_video_reads_no_picture(tmp_path):
    dataset = opened("davis17", tmp_path)
    for path in [*tmp_path.rglob("*.png"), *tmp_path.rglob("*.jpg")]:
        path.write_bytes(b"nothing to see")
    video = dataset.video("bike")
    assert len(video) == 4 and truth_of(video).annotated == video.frame_names
    with pytest.raises(BrokenDataset):
        video.prompts()


def no_late_mask(root):
    (root / "valid/Annotations/00f88c4f0a/00010.png").unlink()


def empty_late_mask(root):
    trees.mask(root / "valid/Annotations/00f88c4f0a/00010.png", trees.labels(o1=(2, 2)))


def break_meta(root):
    (root / "valid/meta.json").write_text('{"videos": {"00f88c4f0a": {"objects": {"1": {}}}}}')


def cut_meta(root):
    (root / "valid/valid_meta.json").write_text('{"videos": {')


def no_list(root):
    (root / "ImageSets/2017/val.txt").unlink()


def no_masks(root):
    for path in (root / "Annotations/480p/bike").iterdir():
        path.unlink()


def no_mask_folder(root):
    no_masks(root)
    (root / "Annotations/480p/bike").rmdir()


def no_frames(root):
    for path in (root / "JPEGImages/480p/bike").iterdir():
        path.unlink()


def two_masks_less(root):
    for name in ("00001", "00003"):
        (root / f"Annotations/480p/bike/{name}.png").unlink()


def broken_mask(root):
    path = root / "Annotations/480p/bike/00000.png"
    path.write_bytes(path.read_bytes()[:40])


def twice_in_the_list(root):
    (root / "ImageSets/2017/val.txt").write_text("bike\nbike\n")


def odd_object(root):
    (root / "sav_val/Annotations_6fps/sav_000262/cat").mkdir()


def short_row(root):
    path = root / "sav_train/sav_000/sav_000001_manual.json"
    said = json.loads(path.read_text())
    said["masklet"][1].pop()
    path.write_text(json.dumps(said))


def wrong_runs(root):
    path = root / "sav_train/sav_000/sav_000001_manual.json"
    said = json.loads(path.read_text())
    del said["masklet"][0][0]["counts"]
    path.write_text(json.dumps(said))


LATE = "valid/Annotations/00f88c4f0a/00010.png"
BROKEN = [
    ("youtubevos19", no_late_mask, LATE, "does not show object 2, which begins there"),
    ("youtubevos19", empty_late_mask, LATE, "does not show object 2, which begins there"),
    ("youtubevos19", break_meta, "valid/meta.json", "has no objects with frames for 00f88c4f0a"),
    ("lvos2", cut_meta, "valid/valid_meta.json", "is no JSON"),
    ("davis17", no_list, "ImageSets/2017/val.txt", "is missing"),
    ("davis17", no_masks, "Annotations/480p/bike", "holds no images"),
    ("davis17", no_mask_folder, "Annotations/480p/bike", "is missing"),
    ("davis17", no_frames, "JPEGImages/480p/bike", "holds no images"),
    ("davis17", two_masks_less, "Annotations/480p/bike/00001.png", "is missing; frames without a mask: 2"),
    ("davis17", broken_mask, "Annotations/480p/bike/00000.png", "cannot be used"),
    ("davis17", twice_in_the_list, "ImageSets/2017/val.txt", "names bike more than once"),
    ("sav", odd_object, "sav_val/Annotations_6fps/sav_000262/cat", "is no object"),
    ("sav-train", short_row, "sav_train/sav_000/sav_000001_manual.json", "has not 2 masklets in its frame 1"),
    ("sav-train", wrong_runs, "sav_train/sav_000/sav_000001_manual.json", "has no run lengths in frame 0, masklet 0"),
]


@pytest.mark.parametrize(("card", "harm", "path", "words"), BROKEN, ids=[f"{b[0]}-{b[1].__name__}" for b in BROKEN])
def test_what_is_broken_is_named_with_the_tree_that_is_expected(tmp_path, card, harm, path, words):
    trees.TREES[card](tmp_path)
    harm(tmp_path)
    with pytest.raises(BrokenDataset) as told_error:
        for video in open_dataset(card, tmp_path):
            video.prompts()
    error = told_error.value
    assert str(error.path) == str(tmp_path / path) and words in error.reason
    assert str(tmp_path / path) in str(error) and open_dataset(card, tmp_path).root.tree.strip() in str(error)


def test_frames_that_went_missing_are_told_before_any_is_read(tmp_path):
    video = opened("davis17", tmp_path).video("bike")
    (tmp_path / "JPEGImages/480p/bike/00002.jpg").unlink()
    with pytest.raises(BrokenDataset, match=r"bike/00002.jpg is missing"):
        video.frames()


def test_a_mask_that_is_a_picture_is_refused(tmp_path):
    trees.davis17(tmp_path)
    noise = np.random.default_rng(0).integers(0, 256, (*trees.SIZE, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "Annotations/480p/bike/00000.png")
    with pytest.raises(InputError, match=r"bike/00000.png cannot be used .*colours"):
        open_dataset("davis17", tmp_path).video("bike").prompts()


def test_a_video_that_is_not_there_is_told_with_one_like_it(tmp_path):
    with pytest.raises(UsageError, match=r"DAVIS 2017, split val, has no video 'bkie'. Did you mean 'bike'\? It has 1"):
        opened("davis17", tmp_path).video("bkie")


def test_a_frame_that_is_not_there_is_told_with_the_reach(tmp_path):
    with pytest.raises(InputError, match=r"bike has no frame 00009. Its frames: 00000 to 00003."):
        opened("davis17", tmp_path).video("bike").index_of("00009")
