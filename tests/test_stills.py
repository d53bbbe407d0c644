"""Still pictures to learn from: read as COCO keeps them, each object a clip of one frame that is made to move."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vidmem.errors import InputError
from vidmem.training.clips import Mixture, draw, real
from vidmem.training.library import read_library, unset
from vidmem.training.recipe import Data
from vidmem.training.sequences import Sequence
from vidmem.training.stills import LARGEST, read_stills

CROWD = {"counts": [100, 180000 - 100], "size": [300, 600]}
SQUARE = [20, 30, 120, 30, 120, 130, 20, 130]  # a polygon, x y x y ...


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Two pictures: one with a square, a crowd and a speck, the other with nothing."""
    root = tmp_path / "coco"
    (root / "annotations").mkdir(parents=True)
    (root / "some").mkdir()
    pixels = np.full((300, 600, 3), 40, np.uint8)
    pixels[30:130, 20:120] = 220
    for name in ("one.png", "two.png"):
        Image.fromarray(pixels).save(root / "some" / name)
    images = [{"id": k, "file_name": f"{n}.png", "height": 300, "width": 600} for k, n in ((1, "one"), (2, "two"))]
    common = {"image_id": 1, "category_id": 1, "bbox": [20, 30, 100, 100]}
    annotations = [
        common | {"id": 7, "iscrowd": 0, "area": 10000, "segmentation": [SQUARE]},
        common | {"id": 8, "iscrowd": 1, "area": 10000, "segmentation": CROWD},
        common | {"id": 9, "iscrowd": 0, "area": 4, "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2]]},
    ]
    card = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (root / "annotations" / "instances_some.json").write_text(json.dumps(card))
    return root


def test_every_object_but_crowds_and_specks_is_a_sequence_of_one_frame(coco: Path, capsys: pytest.CaptureFixture[str]):
    (only,) = read_stills(coco)
    assert only.name == "one-7" and only.images.shape == (1, 3, LARGEST // 2, LARGEST)
    bright = only.images[0, 0] > 130
    assert (bright ^ only.masks[0]).float().mean() < 0.01 and only.masks.any()
    assert capsys.readouterr().out == ""


def test_a_still_picture_moves_and_its_mask_with_it(coco: Path):
    stills = read_stills(coco)
    for seed in range(4):
        clip = draw(stills, Mixture(synthetic=0.0, paste=0.0, absent=0.0), 5, 64, (seed,))
        assert (clip.masks[0, 0] ^ clip.masks[0, -1]).any()
        for frame, mask in zip(clip.images[:, 0].float(), clip.masks[0], strict=True):
            assert frame[mask].mean() > 2 * frame[~mask].mean()


def test_stills_are_drawn_as_often_as_the_mixture_says(coco: Path):
    (still,) = read_stills(coco)
    video = Sequence("green", torch.zeros(9, 3, 60, 80, dtype=torch.uint8), torch.zeros(9, 60, 80, dtype=torch.bool))
    video.images[:, 1], video.masks[:, 20:40, 20:60] = 200, True
    library = (video, still)

    def shown(share: float) -> set[bool]:
        mixture = Mixture(synthetic=0.0, paste=0.0, absent=0.0, still=share)
        clips = [real(np.random.default_rng(seed), library, mixture, 2, 32)[0] for seed in range(12)]
        return {bool(clip[:, 1].mean() > 2 * clip[:, 0].mean()) for clip in clips}

    assert shown(0.0) == {True} and shown(1.0) == {False} and shown(0.5) == {True, False}


def test_a_library_holds_videos_and_stills_and_says_what_it_cannot_have(coco: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NO_SUCH_PLACE", raising=False)
    learned, held = read_library(Data(stills=str(coco)))
    assert [each.name for each in learned] == ["one-7"] and held == ()
    nowhere = Data(clips="$NO_SUCH_PLACE/clips", stills="$NO_SUCH_PLACE")
    assert read_library(nowhere) == ((), ())
    assert ["video is procedural" in each for each in unset(nowhere)] == [True, False]
    assert unset(Data(stills=str(coco))) == []


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """images/ and masks/: two objects and a border that is nobody's; and a mask of 255 alone."""
    root = tmp_path / "labelled"
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    several = np.zeros((60, 80), np.uint8)
    several[10:30, 10:30], several[10:30, 50:70], several[40:, :], several[0, 0] = 1, 7, 255, 3
    alone = np.zeros((60, 80), np.uint8)
    alone[20:40] = 255
    for name, mask in (("several", several), ("alone", alone)):
        Image.fromarray(mask).save(root / "masks" / f"{name}.png")
        Image.new("RGB", (80, 60), (9, 99, 9)).save(root / "images" / f"{name}.jpg")
    return root


def test_each_value_of_a_mask_is_an_object_but_for_what_is_nobodys_or_tiny(labelled: Path):
    found = {each.name: each for each in read_stills(labelled)}
    assert set(found) == {"several-1", "several-7", "alone-255"}
    assert found["several-7"].masks[0, 10:30, 50:70].all() and int(found["several-7"].masks.sum()) == 400
    assert found["several-1"].scene == found["several-7"].scene == "several"
    Image.fromarray(np.arange(4800, dtype=np.uint8).reshape(60, 80)).save(labelled / "masks" / "alone.png")
    with pytest.raises(InputError, match=r"alone.png has 255 values .* soft edges"):
        read_stills(labelled)
    (labelled / "masks" / "alone.png").unlink()
    (labelled / "images" / "several.jpg").unlink()
    with pytest.raises(InputError, match=r"several.png names the picture .*several.jpg"):
        read_stills(labelled)


def test_two_that_touch_in_one_place_are_an_object_together_and_two_side_by_side_are_not(tmp_path: Path):
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    mask = np.zeros((60, 80), np.uint8)
    mask[10:30, 20:30], mask[32:44, 10:40] = 1, 2  # above it, two rows between them
    mask[20:32, 12:18] = 2  # its handlebars reach up beside the rider
    mask[10:44, 41:60] = 3  # beside both, and touching
    Image.fromarray(mask).save(tmp_path / "masks" / "ride.png")
    Image.new("RGB", (80, 60)).save(tmp_path / "images" / "ride.jpg")
    found = {each.name: each for each in read_stills(tmp_path)}
    assert set(found) == {"ride-1", "ride-2", "ride-3", "ride-1+2"}
    assert (found["ride-1+2"].masks == (found["ride-1"].masks | found["ride-2"].masks)).all()
    assert found["ride-1+2"].images is found["ride-1"].images


def test_objects_of_one_video_are_sequences_of_their_own_and_held_out_together(tmp_path: Path):
    for video, values in (("pair", (1, 4)), ("one", (255,))):
        for part in ("frames", "masks"):
            (tmp_path / video / part).mkdir(parents=True)
        for frame in range(3):
            mask = np.zeros((40, 60), np.uint8)
            for number, value in enumerate(values):
                mask[5:20, 5 + 25 * number : 25 + 25 * number] = value
            Image.fromarray(mask).save(tmp_path / video / "masks" / f"{frame}.png")
            Image.new("RGB", (60, 40)).save(tmp_path / video / "frames" / f"{frame}.jpg")
    learned, held = read_library(Data(clips=(str(tmp_path),), hold_out=("pair",)))
    assert [each.name for each in learned] == ["one"] and [each.name for each in held] == ["pair-1", "pair-4"]
    assert held[0].images is held[1].images and not (held[0].masks & held[1].masks).any()


def test_what_is_wrong_with_a_folder_of_stills_is_said(coco: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"instances_NAME\.json"):
        read_stills(tmp_path)
    with pytest.raises(InputError, match=r"`stills` empty"):
        read_library(Data(stills=str(tmp_path / "none")))
    (coco / "some" / "one.png").unlink()
    with pytest.raises(InputError, match=r"instances_some.json names the picture .*one.png"):
        read_stills(coco)
