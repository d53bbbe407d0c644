"""The checkpoints that have a name: what weights/manifest.toml says of each, and where each lies on this machine."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from vidmem import cards
from vidmem.errors import UnknownName


@dataclass(frozen=True)
class Checkpoint:
    """One named checkpoint."""

    name: str
    licence: str
    about: str
    file: str = ""  # beside the manifest, for those that ship with the package
    url: str = ""
    sha256: str = ""  # empty: recorded at the first download
    bytes: int = 0
    of: str = ""  # the model it is trained beside, for what is none itself
    earlier: bool = False  # what a model's name stood for before; kept so that old results can be had again

    @property
    def path(self) -> Path:
        """Where it lies, or will lie once it is downloaded."""
        return cards.home() / "weights" / self.file if self.file else cache() / self.url.rpartition("/")[2]

    @property
    def present(self) -> bool:
        return self.path.is_file()


def cache() -> Path:
    """The folder of downloaded checkpoints: $VIDMEM_WEIGHTS, else vidmem/weights in the user's cache."""
    named = os.environ.get("VIDMEM_WEIGHTS")
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(user) / "vidmem" / "weights"


def every() -> list[Checkpoint]:
    """All named checkpoints, in the manifest's order."""
    listed = tomllib.loads((cards.home() / "weights" / "manifest.toml").read_text())
    return [Checkpoint(name, **entry) for name, entry in listed.items()]


def named(name: str) -> Checkpoint:
    """The checkpoint of a name. Raises UnknownName with those there are."""
    known = {each.name: each for each in every()}
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownName(
            f"No checkpoint is named {name!r}.{hint} Known: {', '.join(known)}. "
            "Or give a path to a .pt or .safetensors file."
        )
    return known[name]
