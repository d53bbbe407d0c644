"""Cards: the TOML files that name a tracker, a data set, a checkpoint or a way of running."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from vidmem.errors import UnknownName, UsageError

_SHIPPED = Path(__file__).with_name("_cards")
_HOME = _SHIPPED if _SHIPPED.is_dir() else Path(__file__).parent.parent  # a wheel's copies, or the checkout's root


def home() -> Path:
    """The folder that holds trackers/, configs/ and weights/: the checkout, or a wheel's copies of them."""
    return _HOME


def find(folder: str, name: str) -> Path:
    """The card `name` of `folder`. A path to a .toml file is taken as it is."""
    path = Path(name) if name.endswith(".toml") else _HOME / folder / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(names(folder)) or "none"
        raise UnknownName(f"No card {name!r} in {folder}/. Known: {known}. Or give a path to a .toml file.")
    return path


def names(folder: str) -> list[str]:
    """Every card of `folder`."""
    return sorted(path.stem for path in (_HOME / folder).glob("*.toml"))


def read(folder: str, name: str) -> dict[str, Any]:
    """What a card says. Raises UsageError for a file that is no TOML."""
    path = find(folder, name)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:  # TOML that is none, or no text at all
        raise UsageError(
            f"The card {path} is no TOML ({problem}). Compare it with one of {_HOME / folder}."
        ) from problem


def beside(folder: str, file: str) -> Path:
    """Where a file that ships beside the cards of `folder` is kept."""
    return _HOME / folder / file
