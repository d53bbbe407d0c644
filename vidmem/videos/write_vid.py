"""The drawn videos on the disk, in the layout of ImageNet VID and DET: JPEG files, an XML file a frame, ImageSets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vidmem.errors import InputError
from vidmem.saving import make_folder
from vidmem.videos.imagenet_vid import WORDNET

if TYPE_CHECKING:
    from torch import Tensor

    from vidmem.drawn_vid import DrawnBox

VERSION = 2  # of how videos are drawn: what another version drew is not taken for a set of this one
WORDS = {name: word for word, name in WORDNET.items()}


@dataclass(frozen=True)
class Split:
    """Which videos are drawn, and which of their frames."""

    videos: int
    frames: int  # of each that are kept
    first: int  # number of the first video: those of one split are none of another's
    every: int = 1  # one frame in so many is kept: to learn from, few frames of many videos are best


SPLITS: Mapping[str, Split] = {"train": Split(200, 12, 0, every=5), "val": Split(16, 60, 10_000)}
PICTURES = Split(90, 20, 30_000)
TEST: Mapping[str, Split] = {"val": Split(24, 60, 20_000)}
"""A set of its own for the last numbers: nothing is chosen by it."""


def write_vid(root: Path, seed: int = 0, splits: Mapping[str, Split] = SPLITS, pictures: Split | None = None) -> Path:
    """Draw a set below `root`, which is left alone where it already holds this very set; -> root.

    pictures: the frames of clear videos, each by itself, as DET stands beside VID; for SPLITS, PICTURES when left out,
    else none.
    Raises InputError where the folder holds something else.
    """
    pictures = PICTURES if pictures is None and splits is SPLITS else pictures
    mark, told = root / "drawn.txt", f"version {VERSION} seed {seed} {dict(splits)} {pictures}\n"
    if mark.is_file() and mark.read_text() == told:
        return root
    if root.is_dir() and any(root.iterdir()) and not mark.is_file():
        raise InputError(f"{root} is not empty and holds no drawn set. Choose another folder.")
    for split, of in splits.items():
        _write_videos(root, seed, split, of)
    if pictures:
        _write_pictures(root, seed, pictures)
    mark.write_text(told)
    return root


def _write_videos(root: Path, seed: int, split: str, of: Split) -> None:
    from vidmem.drawn_vid import draw, make

    listed = []
    for number in range(of.first, of.first + of.videos):
        name = f"drawn_{split}_{number:08d}"
        video = make(seed, number, of.frames * of.every)
        for frame in range(of.frames):
            _write(root, f"VID/{split}/{name}", f"{frame:06d}", *draw(video, frame * of.every))
        listed += [f"{name}/{frame:06d} {len(listed) + frame + 1}" for frame in range(of.frames)]
    (make_folder(root / "ImageSets/VID") / f"{split}.txt").write_text("\n".join(listed) + "\n")


def _write_pictures(root: Path, seed: int, of: Split) -> None:
    from vidmem.drawn_vid import draw, make

    listed = []
    for number in range(of.first, of.first + of.videos):
        video = make(seed, number, of.frames * of.every, clear=True)
        for frame in range(of.frames):
            name = f"{number:08d}_{frame:04d}"
            _write(root, "DET/train/drawn", name, *draw(video, frame * of.every))
            listed.append(f"drawn/{name} {len(listed) + 1}")
    (make_folder(root / "ImageSets") / "DET_train_30classes.txt").write_text("\n".join(listed) + "\n")


def _write(root: Path, folder: str, name: str, picture: Tensor, boxes: Sequence[DrawnBox]) -> None:
    """One picture (3, H, W) uint8 and its XML file."""
    from PIL import Image

    _, height, width = picture.shape
    Image.fromarray(picture.permute(1, 2, 0).numpy()).save(
        make_folder(root / "Data" / folder) / f"{name}.JPEG", quality=88
    )
    head = f"<folder>{folder}</folder><filename>{name}</filename>"
    size = f"<size><width>{width}</width><height>{height}</height></size>"
    note = f"<annotation>{head}{size}{''.join(map(_object, boxes))}</annotation>\n"
    (make_folder(root / "Annotations" / folder) / f"{name}.xml").write_text(note)


def _object(each: DrawnBox) -> str:
    edges = "".join(
        f"<{word}>{edge}</{word}>" for word, edge in zip(("xmin", "ymin", "xmax", "ymax"), each.box, strict=True)
    )
    return (
        f"<object><trackid>{each.track_id}</trackid><name>{WORDS[each.name]}</name><bndbox>{edges}</bndbox>"
        f"<occluded>{int(each.occluded)}</occluded><generated>0</generated></object>"
    )
