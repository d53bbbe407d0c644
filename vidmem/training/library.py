"""What a recipe's data are: the real videos and still pictures to learn from, and the videos held out to judge by."""

from __future__ import annotations

import os
from pathlib import Path

from vidmem.errors import InputError
from vidmem.training.clips import Sequence, read_sequences
from vidmem.training.recipe import Data
from vidmem.training.stills import read_stills


def read_library(data: Data) -> tuple[tuple[Sequence, ...], tuple[Sequence, ...]]:
    """The real sequences to learn from, and those held out. Of still pictures each object is a sequence of one frame.

    Both are empty where the recipe names no clips, or a variable that is not set.
    Raises InputError for a folder that is not there or holds nothing of the kind.
    """
    clips, stills = place_of(data.clips, "clips"), place_of(data.stills, "stills")
    every = read_sequences(clips) if clips else ()
    learned = tuple(each for each in every if each.name not in data.hold_out)
    held = tuple(each for each in every if each.name in data.hold_out)
    return learned + (read_stills(stills) if stills else ()), held


def unset(data: Data) -> list[str]:
    """What the recipe wants and cannot have, since a variable is not set, in words."""
    said = []
    if data.clips and not place_of(data.clips, "clips"):
        said.append(f"{data.clips}: the variable is not set, so all video is procedural.")
    if data.stills and not place_of(data.stills, "stills"):
        said.append(f"{data.stills}: the variable is not set, so no still pictures are learned from.")
    return said


def place_of(text: str, key: str) -> Path | None:
    """The folder a recipe names; None when it names none, or a variable that is not set.

    Raises InputError for a folder that is not there.
    """
    path = os.path.expanduser(os.path.expandvars(text))
    if not path or "$" in path:
        return None
    if not Path(path).is_dir():
        raise InputError(
            f"The recipe's {key} are to be in {path}, and there is no such folder. Give another, "
            f"or leave `{key}` empty to train without."
        )
    return Path(path)
