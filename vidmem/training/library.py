"""What a recipe's data are: the real videos and still pictures to learn from, and the videos held out to judge by."""

from __future__ import annotations

import os
from pathlib import Path

from vidmem.errors import InputError
from vidmem.training.recipe import Data
from vidmem.training.sequences import Sequence, read_sequences
from vidmem.training.stills import read_stills


def read_library(data: Data) -> tuple[tuple[Sequence, ...], tuple[Sequence, ...]]:
    """The real sequences to learn from, and those held out. Of still pictures each object is a sequence of one frame.

    Both are empty where the recipe names no clips, or a variable that is not set.
    Raises InputError for a folder that is not there or holds nothing of the kind.
    """
    every = [each for place in places_of(data.clips, "clips") for each in read_sequences(place)]
    learned = [each for each in every if each.scene not in data.hold_out]
    held = tuple(each for each in every if each.scene in data.hold_out)
    learned += [each for place in places_of(data.stills, "stills") for each in read_stills(place)]
    return tuple(learned), held


def unset(data: Data) -> list[str]:
    """What the recipe wants and cannot have, since a variable is not set, in words."""
    videos = "nothing of it is learned from" if places_of(data.clips, "clips") else "all video is procedural"
    said = [f"{each}: the variable is not set, so {videos}." for each in _unset(data.clips)]
    return said + [
        f"{each}: the variable is not set, so no still pictures of it are learned from." for each in _unset(data.stills)
    ]


def places_of(texts: str | tuple[str, ...], key: str) -> list[Path]:
    """The folders a recipe names, but for those of a variable that is not set.

    Raises InputError for a folder that is not there.
    """
    places = [Path(os.path.expanduser(os.path.expandvars(text))) for text in _texts(texts) if text not in _unset(texts)]
    for place in places:
        if not place.is_dir():
            raise InputError(
                f"The recipe's {key} are to be in {place}, and there is no such folder. Give another, "
                f"or leave `{key}` empty to train without."
            )
    return places


def _unset(texts: str | tuple[str, ...]) -> list[str]:
    return [each for each in _texts(texts) if "$" in os.path.expandvars(each)]


def _texts(said: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each for each in ((said,) if isinstance(said, str) else said) if each)
