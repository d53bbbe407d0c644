"""The drawn videos on the disk, in the layout of ImageNet VID: JPEG files, an XML file a frame, ImageSets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vidmem.errors import InputError
from vidmem.saving import make_folder
from vidmem.videos.imagenet_vid import WORDNET

WORDS = {name: word for word, name in WORDNET.items()}
SPLITS: Mapping[str, tuple[int, int, int]] = {"train": (90, 20, 0), "val": (20, 40, 1000)}
"""Split -> videos, frames of each, number of the first: the videos of one split are none of the other's."""


def write_vid(root: Path, seed: int = 0, splits: Mapping[str, tuple[int, int, int]] = SPLITS) -> Path:
    """Draw a set below `root`, which is left alone where it already holds this very set; -> root.

    Raises InputError where the folder holds something else.
    """
    mark, told = root / "drawn.txt", f"seed {seed} {dict(splits)}\n"
    if mark.is_file() and mark.read_text() == told:
        return root
    if root.is_dir() and any(root.iterdir()) and not mark.is_file():
        raise InputError(f"{root} is not empty and holds no drawn set. Choose another folder.")
    for split, (videos, frames, first) in splits.items():
        listed = []
        for number in range(first, first + videos):
            name = f"drawn_{split}_{number:08d}"
            _write_video(root, seed, number, frames, split, name)
            listed += [f"{name}/{frame:06d} {len(listed) + frame + 1}" for frame in range(frames)]
        make_folder(root / "ImageSets/VID")
        (root / "ImageSets/VID" / f"{split}.txt").write_text("\n".join(listed) + "\n")
    mark.write_text(told)
    return root


def _write_video(root: Path, seed: int, number: int, frames: int, split: str, name: str) -> None:
    from PIL import Image

    from vidmem.drawn_vid import SIZE, DrawnBox, draw, make

    def lines(each: DrawnBox) -> str:
        edges = "".join(
            f"<{word}>{edge}</{word}>" for word, edge in zip(("xmin", "ymin", "xmax", "ymax"), each.box, strict=True)
        )
        return (
            f"<object><trackid>{each.track_id}</trackid><name>{WORDS[each.name]}</name><bndbox>{edges}</bndbox>"
            f"<occluded>{int(each.occluded)}</occluded><generated>0</generated></object>"
        )

    images = make_folder(root / "Data/VID" / split / name)
    notes = make_folder(root / "Annotations/VID" / split / name)
    video = make(seed, number, frames)
    for frame in range(frames):
        picture, boxes = draw(video, frame)
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(images / f"{frame:06d}.JPEG", quality=88)
        head = f"<folder>{name}</folder><filename>{frame:06d}</filename>"
        size = f"<size><width>{SIZE[1]}</width><height>{SIZE[0]}</height></size>"
        objects = "".join(map(lines, boxes))
        (notes / f"{frame:06d}.xml").write_text(f"<annotation>{head}{size}{objects}</annotation>\n")
