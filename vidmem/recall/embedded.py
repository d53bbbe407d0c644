"""The student that comes with the package."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import cast

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from vidmem.bridges import CachePolicy
from vidmem.cards import beside
from vidmem.errors import ModelError
from vidmem.recall.student import Memory, Student

NAME = "recall.safetensors"


def load_student(cache: CachePolicy, path: Path | None = None) -> Student:
    """A student with the weights in `path`, or the embedded one. Raises ModelError for a file that is none."""
    memory, weights = _read(path or beside("weights", NAME))
    student = Student(memory, cache)
    try:
        student.load_state_dict({name: each.float() for name, each in weights.items()})
    except RuntimeError as problem:
        raise ModelError(
            f"{path or NAME} is no student of the recall task: {str(problem).splitlines()[-1].strip()}"
        ) from None
    return student.eval().requires_grad_(False)


def save_student(student: Student, path: Path) -> None:
    """In half precision: a student is a few hundred kilobytes."""
    part = path.with_name(path.name + ".part")
    kept = {name: each.half().contiguous() for name, each in student.state_dict().items()}
    save_file(kept, part, metadata={"format": "vidmem-recall-1", "memory": student.memory})
    os.replace(part, path)


@cache
def _read(path: Path) -> tuple[Memory, dict[str, Tensor]]:
    from vidmem.bridges.published import read_checkpoint

    weights = read_checkpoint(path)
    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
    if header.get("format") != "vidmem-recall-1":
        raise ModelError(f"{path} is no student of the recall task.")
    return cast(Memory, header["memory"]), weights
