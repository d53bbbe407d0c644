"""Still pictures with their objects, as COCO keeps them: far more kinds of things than a few videos show."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vidmem.errors import InputError
from vidmem.training.clips import Sequence

LARGEST = 448  # pixels of a picture's longer side: as large as the training videos are kept
LEAST = 0.005  # share of its picture an object must fill


def read_stills(root: Path) -> tuple[Sequence, ...]:
    """Every object of the pictures below `root`, each a sequence of one frame; crowds and tiny things are left out.

    root holds COCO's layout: annotations/instances_*.json, and the pictures in a folder for each of those files that
    bears the rest of its name (annotations/instances_train2017.json: train2017/*.jpg).
    Raises InputError without such files, and for a picture that is not there.
    """
    files = sorted((root / "annotations").glob("instances_*.json"))
    if not files:
        raise InputError(
            f"{root} holds no still pictures to train on: annotations/instances_NAME.json as COCO writes them and the "
            "pictures in NAME are wanted. Without any, leave `stills` out of the recipe's [data]."
        )
    return tuple(each for file in files for each in _objects(file, root / file.stem.removeprefix("instances_")))


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
        try:
            picture = Image.open(place).convert("RGB")
        except OSError as error:
            raise InputError(f"{file} names the picture {place}, which cannot be read: {error}.") from None
        size = _fitted(picture.size)
        pixels = torch.from_numpy(np.array(picture.resize(size, Image.Resampling.LANCZOS))).permute(2, 0, 1)[None]
        for each in kept:
            mask = Image.fromarray(index.annToMask(each) * 255).resize(size, Image.Resampling.BOX)
            found.append(Sequence(f"{place.stem}-{each['id']}", pixels, torch.from_numpy(np.array(mask) > 127)[None]))
    return found


def _fitted(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height no longer than LARGEST, in proportion."""
    scale = min(1.0, LARGEST / max(size))
    return round(size[0] * scale), round(size[1] * scale)
