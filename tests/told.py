"""A story to be written by writers, and what they wrote, read back."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow.parquet
from PIL import Image
from pycocotools.coco import COCO

from vidmem import rle
from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.writers import writers

SIZE = 36, 50
NOTHING = np.zeros(SIZE, bool)


def blob(x: int, y: int, width: int = 12, height: int = 9, size: tuple[int, int] = SIZE) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[y : y + height, x : x + width] = True
    return mask


def annotation(frame: int, masks: dict[int, np.ndarray], name: str = "", time: float | None = None) -> Annotation:
    """Of overlapping objects the lower id keeps the shared pixels, which is the reverse of the order of writing."""
    objects, taken = {}, np.zeros_like(next(iter(masks.values()), NOTHING))
    for object_id, mask in masks.items():
        alone = mask & ~taken
        exclusive = None if (alone == mask).all() else alone
        objects[object_id] = ObjectAnnotation(mask, 0.125 * object_id, bool(mask.any()), exclusive=exclusive)
        taken = taken | mask
    size = taken.shape[0], taken.shape[1]
    return Annotation(frame, frame / 8 if time is None else time, name or f"{frame:05d}", size, objects)


def story(frames: int) -> Iterator[Annotation]:
    """Object 1 moves and is out of sight in frame 3; object 7 appears in frame 2, at times over object 1."""
    for frame in range(frames):
        masks = {1: NOTHING if frame == 3 else blob(2 * frame, 4)}
        if frame >= 2:
            masks[7] = blob(10, 6, height=20)
        yield annotation(frame, masks, name=f"shot_{frame:03d}")


def picture(frame: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    ramp = np.linspace(40, 200, size[1], dtype=np.uint8)
    return np.stack([np.broadcast_to(ramp, size), np.full(size, 90 + frame, np.uint8), np.full(size, 60, np.uint8)], -1)


def write(name: str, folder: Path, told: Iterator[Annotation], close: bool = True) -> None:
    writer = writers[name](folder)
    for each in told:
        writer.write(each, picture(each.frame, each.size))
    if close:
        writer.close()


Found = dict[str, dict[int, np.ndarray]]  # frame name -> object id -> mask


def read_png(folder: Path) -> Found:
    found = {}
    for path in sorted((folder / "masks").glob("*.png")):
        labels = np.asarray(Image.open(path))
        found[path.stem] = {int(each): labels == each for each in np.unique(labels) if each}
    return found


def read_object_png(folder: Path) -> Found:
    found: Found = {}
    for path in sorted((folder / "objects").glob("*/*.png")):
        found.setdefault(path.stem, {})[int(path.parent.name)] = np.asarray(Image.open(path)) == 255
    return found


def read_rle(folder: Path) -> Found:
    coco: Any = COCO(str(folder / "tracks.rle.json"))
    found: Found = {image["name"]: {} for image in coco.dataset["images"]}
    for each in coco.dataset["annotations"]:
        found[coco.imgs[each["image_id"]]["name"]][each["object_id"]] = coco.annToMask(each).astype(bool)
    return found


def read_ytvos(folder: Path) -> Found:
    content = json.loads((folder / "tracks.ytvos.json").read_bytes())
    (video,) = content["videos"]
    found: Found = {name: {} for name in video["file_names"]}
    for each in content["annotations"]:
        for name, runs in zip(video["file_names"], each["segmentations"], strict=True):
            if runs is not None:
                found[name][each["id"]] = rle.decode(runs["counts"], runs["size"])
    return found


def read_parquet(folder: Path) -> Found:
    found: Found = {}
    for row in pyarrow.parquet.read_table(folder / "tracks.parquet").to_pylist():
        found.setdefault(row["name"], {})[row["object"]] = rle.decode(row["rle"], (row["height"], row["width"]))
    return found


def read_csv(folder: Path) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for row in csv.DictReader((folder / "tracks.csv").open()):
        found.setdefault(f"shot_{int(row['frame']):03d}", set()).add(int(row["object"]))
    return found


def read_mp4(folder: Path) -> dict[str, np.ndarray]:
    with av.open(str(folder / "overlay.mp4")) as video:
        return {f"shot_{n:03d}": frame.to_ndarray(format="rgb24") for n, frame in enumerate(video.decode(video=0))}


READ: dict[str, Callable[[Path], dict]] = {
    "png": read_png,
    "object-png": read_object_png,
    "rle": read_rle,
    "ytvos": read_ytvos,
    "csv": read_csv,
    "parquet": read_parquet,
    "mp4": read_mp4,
}
KEEPS_MASKS = ["object-png", "rle", "ytvos", "parquet"]
