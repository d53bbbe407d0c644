"""Real videos to learn from, in memory: their frames, and where in each the object is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vidmem.errors import InputError

MOST = 100  # objects in a mask


@dataclass(frozen=True, eq=False)
class Sequence:
    """A real video of one annotated object, held in memory; of a single frame: a still picture."""

    name: str
    images: Tensor  # (L, 3, H, W) uint8
    masks: Tensor  # (L, H, W) bool
    video: str = ""  # the video or picture it is seen in, where that has several objects

    @property
    def scene(self) -> str:
        """What is seen: the same for all objects of a video or picture."""
        return self.video or self.name


def read_sequences(root: Path) -> tuple[Sequence, ...]:
    """Every sequence below `root`: NAME/frames/*.jpg and NAME/masks/*.png of equal stems.

    A mask with several values beside 0 has an object for each; then NAME-1, NAME-2, … share the same pictures.
    Raises InputError where there is none.
    """
    folders = sorted(each for each in root.iterdir() if (each / "frames").is_dir())
    with ThreadPoolExecutor() as threads:  # files are decoded beside each other
        found = [each for one in threads.map(_sequences, folders) for each in one]
    if not found:
        raise InputError(
            f"{root} holds no sequence to train on: NAME/frames/*.jpg with NAME/masks/*.png of the same stems is "
            "wanted. Without real clips, leave `clips` out of the recipe's [data]."
        )
    return tuple(found)


def _sequences(folder: Path) -> list[Sequence]:
    stems = sorted(each.stem for each in (folder / "masks").glob("*.png"))
    if not stems:
        return []
    images = [np.array(Image.open(folder / "frames" / f"{stem}.jpg").convert("RGB")) for stem in stems]
    masks = np.stack([values_of(folder / "masks" / f"{stem}.png") for stem in stems])
    pictures = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    objects = objects_of(masks, folder / "masks")
    names = [folder.name if len(objects) == 1 else f"{folder.name}-{number}" for number in objects]
    return [
        Sequence(name, pictures, torch.from_numpy(masks == number), folder.name)
        for name, number in zip(names, objects, strict=True)
    ]


def objects_of(values: np.ndarray, place: Path) -> list[int]:
    """The numbers of the objects in masks. Raises InputError where there are so many that they must be soft edges."""
    found = [int(number) for number in np.flatnonzero(np.bincount(values.ravel())) if number]
    if len(found) > MOST:
        raise InputError(
            f"{place} has {len(found)} values beside 0, and each would be an object of its own. "
            "If these are soft edges, save the mask with 0 and 255 alone."
        )
    return found


def values_of(place: Path) -> np.ndarray:
    """(H, W) the numbers of a mask's objects, 0 for none: palette indices or grey values, as the file has them."""
    mask = Image.open(place)
    return np.array(mask if mask.mode in ("P", "L") else mask.convert("L"))
