"""Still pictures with their objects, as COCO keeps them: far more kinds of things than a few videos show."""

from __future__ import annotations

import contextlib
import io
import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from vidmem.errors import InputError
from vidmem.training.sequences import Sequence, objects_of, values_of

LARGEST = 448  # pixels of a picture's longer side: as large as the training videos are kept
LEAST = 0.005  # share of its picture an object must fill
NEAR = 3  # pixels: objects no farther apart touch


def read_stills(root: Path) -> tuple[Sequence, ...]:
    """Every object of the pictures below `root`, each a sequence of one frame; crowds and tiny things are left out.

    Two that touch and mostly stand in one place, as a rider and a bicycle, are a third object together: DAVIS 2016
    counts them as one, and what is followed is what the first mask says, not a kind of thing.

    root holds COCO's layout: annotations/instances_*.json, and the pictures in a folder for each of those files that
    bears the rest of its name (annotations/instances_train2017.json: train2017/*.jpg). Or it holds images/*.jpg and
    masks/*.png of the same stems, where each value but 0 is an object; 255 is nobody's, unless it is the only one.
    Raises InputError without such files, and for a picture that is not there.
    """
    files, masks = sorted((root / "annotations").glob("instances_*.json")), sorted((root / "masks").glob("*.png"))
    if not files and not masks:
        raise InputError(
            f"{root} holds no still pictures to train on: annotations/instances_NAME.json as COCO writes them and the "
            "pictures in NAME are wanted, or images/*.jpg with masks/*.png of the same stems. Without any, leave "
            "`stills` out of the recipe's [data]."
        )
    found = [each for file in files for each in _objects(file, root / file.stem.removeprefix("instances_"))]
    with ThreadPoolExecutor() as threads:  # files are decoded beside each other
        pictures = [root / "images" / f"{mask.stem}.jpg" for mask in masks]
        return (*found, *(each for one in threads.map(_labelled, masks, pictures) for each in one))


def _objects(file: Path, folder: Path) -> list[Sequence]:
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):  # it tells how long it took
        index = COCO(file)
    found = []
    for number in sorted(index.imgs):
        entry = index.imgs[number]
        place, least = folder / entry["file_name"], LEAST * entry["height"] * entry["width"]
        kept = [each for each in index.imgToAnns[number] if not each["iscrowd"] and each["area"] >= least]
        if not kept:
            continue
        found += _cut_out(place, file, {each["id"]: index.annToMask(each) > 0 for each in kept})
    return found


def _labelled(file: Path, place: Path) -> list[Sequence]:
    """The objects of a mask with a value for each."""
    values = values_of(file)
    own = objects_of(values, file)
    kept = {value: values == value for value in ([each for each in own if each != 255] or own)}
    return _cut_out(place, file, {value: mask for value, mask in kept.items() if mask.mean() >= LEAST})


def _cut_out(place: Path, told_by: Path, masks: dict[int, np.ndarray]) -> list[Sequence]:
    """A sequence of one frame for each mask (H, W) bool of a picture, all sharing its pixels."""
    if not masks:
        return []
    try:
        picture = Image.open(place).convert("RGB")
    except OSError as error:
        raise InputError(f"{told_by} names the picture {place}, which cannot be read: {error}.") from None
    size = _fitted(picture.size)
    pixels = torch.from_numpy(np.array(picture.resize(size, Image.Resampling.LANCZOS))).permute(2, 0, 1)[None]
    found = []
    named = {str(number): mask for number, mask in masks.items()} | _together(masks)
    for name, mask in named.items():
        fitted = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX)
        covered = torch.from_numpy(np.array(fitted) > 127)[None]
        found.append(Sequence(f"{place.stem}-{name}", pixels, covered, place.stem))
    return found


def _together(masks: dict[int, np.ndarray]) -> dict[str, np.ndarray]:
    """What two touching masks (H, W) bool cover, where half the box of one lies in the other's; named by both."""
    found = {}
    for (one, first), (other, second) in itertools.combinations(masks.items(), 2):
        boxes = _box(first), _box(second)
        low, high = np.maximum(boxes[0][0], boxes[1][0]), np.minimum(boxes[0][1], boxes[1][1])
        least = min((after - before).prod() for before, after in boxes)
        if (high > low).all() and (high - low).prod() >= least / 2:
            near = tuple(slice(max(0, start - NEAR), end + NEAR) for start, end in zip(low, high, strict=True))
            if (_grown(first[near]) & second[near]).any():
                found[f"{one}+{other}"] = first | second
    return found


def _grown(mask: np.ndarray) -> np.ndarray:
    """A mask (H, W) bool and all that lies within NEAR rows and columns of it."""
    covered = torch.from_numpy(mask)[None].float()
    return F.max_pool2d(covered, 2 * NEAR + 1, stride=1, padding=NEAR)[0].numpy() > 0


def _box(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first row and column of a mask, and those after its last."""
    places = np.argwhere(mask)
    return places.min(0), places.max(0) + 1


def _fitted(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height no longer than LARGEST, in proportion."""
    scale = min(1.0, LARGEST / max(size))
    return round(size[0] * scale), round(size[1] * scale)
