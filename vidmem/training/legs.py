"""A run is made in legs: the folder it begins in, and the state by which the next leg goes on as if uncut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from vidmem.errors import InputError
from vidmem.saving import replacing

STATE = "state.pt"


def open_run(out: Path, resume: bool) -> Path:
    """Where the state of a run lies; its folder is made. Raises InputError for a run that is not to be gone on with."""
    out.mkdir(parents=True, exist_ok=True)
    if not resume and (out / STATE).exists():
        raise InputError(f"{out} holds a training run. Go on with --resume, or give another --out.")
    return out / STATE


def keep_state(place: Path, state: dict[str, Any]) -> None:
    """Write everything that is needed to go on. A crash while writing leaves the earlier file."""
    with replacing(place) as file:
        torch.save(state, file)
