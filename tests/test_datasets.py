"""Cards of data sets, opening one, checking a copy, and `vidmem datasets`."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import dataset_trees as trees
import numpy as np
import pytest
from PIL import Image

from vidmem import cards
from vidmem.__main__ import main
from vidmem.errors import InputError, UnknownName, UsageError
from vidmem.models import manifest
from vidmem.videos import BoxTruth, DetectionTruth, MaskTruth, TrueBox, layouts, open_dataset
from vidmem.videos.boxes_from_masks import boxes_from_masks, tight_box
from vidmem.videos.check import check
from vidmem.videos.dataset import read_card

ROOT = Path(__file__).parent.parent
CARDS = cards.names("datasets")
STORED = [card for card in CARDS if read_card(card)["layout"]["name"] != "generated"]  # what lies on a disk
SPLITS = [(card, split) for card in STORED for split in (*read_card(card).get("splits", {}), None)]


def cut_short(path: Path) -> None:
    """A picture with something in it, of which the last third is lost."""
    noise = np.random.default_rng(0).integers(0, 256, (*trees.SIZE, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])


def test_every_card_has_a_tree_to_try_it_on_and_no_tree_is_without_a_card():
    assert sorted(trees.TREES) == STORED


@pytest.mark.parametrize("card", CARDS)
def test_every_card_explains_itself(card):
    said = read_card(card)
    assert said["layout"]["name"] in list(layouts)
    assert all(said[word].strip() for word in ("title", "about", "paper", "licence", "address", "protocol", "tree"))
    assert ("split" in said) == ("splits" in said)
    for row in said.get("published", ()):
        assert (
            {"tracker", "model", "metric", "value", "source"}
            <= set(row)
            <= {
                *("tracker", "model", "metric", "value", "source", "split"),
            }
        )
        assert row.get("split", said.get("split")) in (*said.get("splits", {}), None) and 0 < row["value"] <= 100


def test_splits_without_public_truth_name_who_scores_them():
    for card, split in SPLITS:
        options = read_card(card).get("splits", {}).get(split, {})
        assert ("server" in options) == (options.get("complete") is False), (card, split)


@pytest.mark.parametrize(("card", "split"), SPLITS)
def test_a_whole_tree_of_every_card_and_split_has_no_problem(tmp_path, card, split):
    trees.TREES[card](tmp_path)
    found = check(open_dataset(card, tmp_path, split))
    assert not found.problems
    assert found.videos and (found.frames > found.videos or card == "imagenet_det")  # there a picture is a video
    assert found.objects or not read_card(card).get("splits", {}).get(split, {}).get("complete", True)


@pytest.mark.parametrize("card", STORED)
def test_an_empty_folder_is_told_in_one_error_with_the_tree(tmp_path, card):
    with pytest.raises(InputError) as told:
        dataset = open_dataset(card, tmp_path)
        dataset.video(dataset.names()[0])
    assert str(tmp_path) in str(told.value) and read_card(card)["tree"].strip() in str(told.value)


def test_a_root_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match=r"DAVIS 2017: .*nowhere is no folder. It comes from https://davis"):
        open_dataset("davis17", tmp_path / "nowhere")


def test_a_data_set_is_cheap_to_open(tmp_path):
    dataset = open_dataset("davis17", tmp_path)  # nothing is there, and nothing was asked yet
    assert (dataset.name, dataset.split, dataset.protocol) == ("davis17", "val", "davis2017")
    assert any(row["tracker"] == "sam2long" and row["value"] == 90.2 for row in dataset.published)


def test_a_split_that_is_not_known_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"card 'davis17' has no split 'vla'. Did you mean 'val'\? Known: val, train"):
        open_dataset("davis17", tmp_path, "vla")


def test_a_card_that_is_not_known_is_told(tmp_path):
    with pytest.raises(UnknownName, match=r"No card 'davis18' in datasets/. Known: davis16"):
        open_dataset("davis18", tmp_path)


WRONG = [
    ('layout = "davis"', 'layout = "daivs"', "Did you mean 'davis'"),
    ('layout = "davis"', '[layout]\nname = "davis"\nframe = "x"', "has no entry 'frame'. Did you mean 'frames'"),
    ('tree = "t"', "", "does not say tree"),
    ('tree = "t"', "tree =", "is no TOML"),
    ('title = "T"', 'title = "T"\ntitel = "T"', "has no entry 'titel'. Did you mean 'title'"),
]


@pytest.mark.parametrize(("was", "now", "words"), WRONG)
def test_a_card_that_is_wrong_is_told(tmp_path, was, now, words):
    whole = (
        'title = "T"\npaper = "p"\nlicence = "l"\naddress = "a"\nprotocol = "davis2017"\ntree = "t"\nlayout = "davis"\n'
    )
    (tmp_path / "mine.toml").write_text(whole)
    assert open_dataset(str(tmp_path / "mine.toml"), tmp_path).name == "mine"
    (tmp_path / "mine.toml").write_text(whole.replace(was, now))
    with pytest.raises(UsageError, match=words):
        open_dataset(str(tmp_path / "mine.toml"), tmp_path)


def test_every_card_ships_with_the_wheel():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    shipped = {source: target for source, target in build["force-include"].items() if source.startswith("datasets")}
    assert shipped == {f"datasets/{card}.toml": f"vidmem/_cards/datasets/{card}.toml" for card in CARDS}


def test_every_checkpoint_that_lies_beside_the_manifest_ships_with_the_wheel():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    files = {each.file for each in manifest.every() if each.file} | {"manifest.toml"}
    shipped = {source: target for source, target in build["force-include"].items() if source.startswith("weights")}
    assert shipped.items() >= {f"weights/{file}": f"vidmem/_cards/weights/{file}" for file in files}.items()


def test_nothing_but_cards_is_named_of_the_folder_that_data_lies_in():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert not {"datasets", "datasets/", "weights", "weights/"} & set(build["force-include"])


def test_listing_data_sets_does_not_import_torch():
    code = (
        "import sys; from vidmem.__main__ import main; code = main(['datasets', 'list']); "
        "raise SystemExit(code or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, cwd=ROOT).returncode == 0


def said(capsys, *arguments):
    """(exit code, stdout, stderr) of a command."""
    code = main([str(each) for each in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_list_names_every_card_with_its_address(capsys):
    code, out, _ = said(capsys, "datasets", "list")
    assert code == 0 and all(f"{card}  ({read_card(card)['title']})" in out for card in CARDS)
    assert "from:    https://davischallenge.org" in out and "splits:  val (usual), train, test-dev" in out
    code, out, _ = said(capsys, "datasets", "list", "--json")
    assert code == 0 and sorted(json.loads(out)) == CARDS


def test_check_counts_what_is_there(capsys, tmp_path):
    trees.davis17(tmp_path)
    code, out, _ = said(capsys, "datasets", "check", "davis17", "--root", tmp_path)
    assert code == 0
    assert "videos 1  frames 4  objects 2  masks 7" in out and "No problem found." in out
    code, out, _ = said(capsys, "datasets", "check", "davis17", "--root", tmp_path, "--json")
    counts = json.loads(out)
    assert code == 0 and counts["masks"] == 7 and counts["problems"] == [] and counts["split"] == "val"


def test_check_names_every_problem_with_its_path(capsys, tmp_path):
    trees.davis17(tmp_path)
    frames, masks = tmp_path / "JPEGImages/480p/bike", tmp_path / "Annotations/480p/bike"
    cut = frames / "00003.jpg"
    cut_short(cut)
    trees.frames(frames, ["00001"], size=(30, 40))
    (masks / "00002.png").write_bytes(b"no picture")
    trees.mask(masks / "00007.png", trees.labels(o1=(1, 1)))
    (tmp_path / "ImageSets/2017/val.txt").write_text("bike\ncamel\n")
    code, out, err = said(capsys, "datasets", "check", "davis17", "--root", tmp_path)
    assert code == 3 and err == ""
    lines = out.splitlines()
    for path, words in (
        (cut, "cannot be read as an image"),
        (frames / "00001.jpg", "is 40 x 30, the frames before it are 32 x 24"),
        (masks / "00001.png", "has a mask of 32 x 24 for 00001, the frame is 40 x 30"),
        (masks / "00002.png", "cannot be used"),
        (masks / "00007.png", "is a mask of 00007, which is no frame of bike"),
        (tmp_path / "JPEGImages/480p/camel", "is missing"),
    ):
        assert any(line.startswith(f"{path}: ") and words in line for line in lines), path
    assert "Problems: " in out and "ImageSets/2017/test-dev.txt" in out  # the tree, once
    code, out, _ = said(capsys, "datasets", "check", "davis17", "--root", tmp_path, "--json")
    assert code == 3 and str(cut) in {each["path"] for each in json.loads(out)["problems"]}


def test_a_quick_check_trusts_the_heads_of_pictures(tmp_path):
    trees.davis17(tmp_path)
    cut_short(tmp_path / "JPEGImages/480p/bike/00002.jpg")
    dataset = open_dataset("davis17", tmp_path)
    assert check(dataset).problems and not check(dataset, quick=True).problems


def problems_of(card, root, split=None):
    return {(str(each.path.relative_to(root)), each.what) for each in check(open_dataset(card, root, split)).problems}


def test_check_finds_objects_that_begin_or_are_scored_where_no_mask_says_so(tmp_path):
    trees.lvos(tmp_path)
    folder = tmp_path / "valid/Annotations/R3UJGYwy"
    (folder / "00000016.png").unlink()
    trees.mask(folder / "00000011.png", trees.labels(o1=(2, 2)))
    found = problems_of("lvos2", tmp_path)
    place = "valid/Annotations/R3UJGYwy"
    assert (f"{place}/00000011.png", "does not show object 2, which begins there") in found
    assert {path for path, what in found if "is missing: object 2 is scored in frame 00000016" in what} == {
        f"{place}/00000016.png"
    }


def test_check_finds_a_video_without_an_object(tmp_path):
    trees.folder(tmp_path)
    for path in (tmp_path / "chair/masks").iterdir():
        trees.mask(path, trees.labels())
    assert problems_of("folder", tmp_path) == {("chair/masks/img9.png", "shows no object")}


def test_check_finds_a_film_that_does_not_fit_its_boxes(tmp_path):
    trees.tld(tmp_path)
    trees.film(tmp_path / "car/video.mpg", 3)
    assert problems_of("tld", tmp_path) == {("car/video.mpg", "has 3 frames, the annotations speak of 4")}


def test_check_finds_a_film_that_is_not_there(tmp_path):
    trees.sav_train(tmp_path)
    (tmp_path / "sav_train/sav_000/sav_000001.mp4").unlink()
    assert problems_of("sav-train", tmp_path) == {("sav_train/sav_000/sav_000001.mp4", "is missing")}


def test_check_finds_pictures_that_a_list_promises(tmp_path):
    trees.mot(tmp_path)
    (tmp_path / "train/MOT17-02-FRCNN/img1/000002.jpg").unlink()
    assert problems_of("mot", tmp_path) == {("train/MOT17-02-FRCNN/img1/000002.jpg", "is missing")}
    for path in (tmp_path / "train/MOT17-02-FRCNN/img1").iterdir():
        path.unlink()
    (tmp_path / "train/MOT17-02-FRCNN/img1").rmdir()
    assert problems_of("mot", tmp_path) == {("train/MOT17-02-FRCNN/img1", "is missing")}  # said once


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("NaN,NaN,NaN,NaN", "has no frame in which the object is to be seen"),
        ("5,5,2,2", "has no box in frame 00000"),
        ("900,5,920,20", "has its first box outside of frame 00000, 64 x 48"),
    ],
)
def test_check_finds_a_first_box_that_no_tracker_can_be_told(tmp_path, line, words):
    trees.tld(tmp_path)
    (tmp_path / "car/gt.txt").write_text(f"{line}\n" * 4)
    assert [what for _, what in problems_of("tld", tmp_path)] and all(
        words in what for _, what in problems_of("tld", tmp_path)
    )


def test_check_finds_boxes_of_frames_that_are_not_there(tmp_path):
    trees.imagenet_vid(tmp_path)
    place = "Annotations/VID/val/ILSVRC2015_val_00000000"
    trees.text(tmp_path / place / "000009.xml", trees.xml([(0, "dog", (3, 3, 3, 9), "0", "0")]))
    assert problems_of("imagenet_vid", tmp_path) == {
        (place, "speaks of 000009, which is no frame of ILSVRC2015_val_00000000"),
        (place, "has a box without extent in 000009: (3.0, 3.0, 3.0, 9.0)"),
    }


def test_check_finds_frames_that_no_annotation_speaks_of(tmp_path):
    trees.imagenet_vid(tmp_path)
    place = "Annotations/VID/val/ILSVRC2015_val_00000000"
    (tmp_path / place / "000001.xml").unlink()
    assert problems_of("imagenet_vid", tmp_path) == {(place, "does not speak of every frame; lacking: 1, first 000001")}


def test_check_turns_pictures_as_readers_do(tmp_path):
    trees.folder(tmp_path)
    for path in sorted((tmp_path / "caps/frames").iterdir()):
        turned = Image.new("RGB", (24, 32))
        exif = turned.getexif()
        exif[0x0112] = 6
        turned.save(path, exif=exif)
    assert problems_of("folder", tmp_path) == set()
    assert next(iter(open_dataset("folder", tmp_path).video("caps").frames())).size == trees.SIZE


def test_tight_boxes_end_behind_the_last_pixel():
    mask = np.zeros((8, 9), bool)
    assert tight_box(mask) is None
    mask[2, 3] = mask[5, 7] = True
    assert tight_box(mask) == (3, 2, 8, 6)


def test_boxes_of_masks_are_read_back_as_detections(tmp_path):
    trees.davis17(tmp_path)
    masks = open_dataset("davis17", tmp_path)
    (tmp_path / "boxes.json").write_text(json.dumps(boxes_from_masks(masks, {"bike": "bicycle"})))
    card = cards.find("datasets", "imagenet_vid-coco").read_text()
    begin = card.index("[layout]")
    (tmp_path / "mine.toml").write_text(
        card[:begin].replace('split = "val"\n', "") + '[layout]\nname = "coco_vid"\nannotations = "boxes.json"\n'
    )
    video = open_dataset(str(tmp_path / "mine.toml"), tmp_path).video("bike")
    truth = video.truth
    assert isinstance(truth, DetectionTruth) and truth.classes == {1: "bicycle"}
    assert truth.boxes("00001") == (TrueBox(1, 1, (3, 2, 9, 8)), TrueBox(1, 2, (14, 10, 20, 16)))
    assert truth.boxes("00002") == (TrueBox(1, 2, (14, 10, 20, 16)),)  # the other is out of sight
    assert next(iter(video.frames())).size == trees.SIZE


def test_boxes_are_derived_from_masks_only(tmp_path):
    trees.lasot(tmp_path)
    with pytest.raises(UsageError, match=r"LaSOT has boxes already"):
        boxes_from_masks(open_dataset("lasot", tmp_path))


KINDS = {"davis17": MaskTruth, "lasot": BoxTruth, "mot": DetectionTruth}


@pytest.mark.parametrize("card", KINDS)
def test_a_data_set_is_walked_in_the_order_of_its_names(tmp_path, card):
    trees.TREES[card](tmp_path)
    dataset = open_dataset(card, tmp_path)
    videos = list(dataset)
    assert [video.name for video in videos] == dataset.names() and len(dataset) == len(videos)
    assert all(isinstance(video.truth, KINDS[card]) for video in videos)
