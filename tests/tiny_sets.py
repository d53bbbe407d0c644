"""Data sets made for tests, in the layout of real ones: coloured squares that move, which the toy model can follow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from clips import squares
from PIL import Image

from vidmem.evaluation.engines import Ended

LENGTHS = {"plain": 6, "long": 14, "short": 4}


def davis(root: Path, lengths: Mapping[str, int] = LENGTHS, objects: int = 1, year: int = 2016) -> Path:
    """DAVIS 2016 (one object, 0 and 255) or 2017 (several, by id), one split."""
    for name, frames in lengths.items():
        images, masks = root / "JPEGImages/480p" / name, root / "Annotations/480p" / name
        images.mkdir(parents=True)
        masks.mkdir(parents=True)
        for frame, truth in squares(frames, objects=objects):
            Image.fromarray(frame.image.permute(1, 2, 0).numpy()).save(images / f"{frame.name}.png")
            labels = np.zeros(frame.size, np.uint8)
            for object_id, mask in truth.items():
                labels[mask.numpy()] = 255 if year == 2016 else object_id
            Image.fromarray(labels).save(masks / f"{frame.name}.png")
    listed = root / f"ImageSets/{year}/val.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("\n".join(lengths) + "\n")
    return root


class Here:
    """An engine without processes, so that tests need not wait for them."""

    def __init__(self, workers: int = 0, device: str = "auto", address: str | None = None) -> None:
        self.began: list[str] = []

    def run(self, job, tasks):
        for task in tasks:
            self.began.append(task)
            ended = job(task, "cpu")
            yield Ended(ended.task, ended.problem, ended.trace, ended.refusal, "here")
