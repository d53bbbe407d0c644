"""Files of trained codings: safetensors that say their own sizes and the image encoder they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised

from vidmem import cards
from vidmem.errors import ModelError
from vidmem.saving import replacing
from vidmem.targets.codings.network import Learner, Sizes

FORMAT = "vidmem-learner-1"


def save_learner(learner: Learner, path: Path, notes: Mapping[str, Any] | None = None) -> None:
    """Write a learner in half precision. notes: what else there is to say of it, for `about`."""
    kept = {name: each.detach().half().contiguous() for name, each in learner.state_dict().items()}
    said = {name: str(each) for name, each in (notes or {}).items()}
    sizes = json.dumps(asdict(learner.sizes))
    with replacing(path) as file:
        file.write(serialised(kept, {**said, "format": FORMAT, "sizes": sizes, "backbone": learner.backbone}))


def find_learner(weights: str) -> Path:
    """The file of a learner: one that ships, by its name, or a path. Raises ModelError where there is none."""
    path = Path(weights).expanduser()
    path = path if weights.endswith(".safetensors") else cards.beside("weights", f"{weights}.safetensors")
    if not path.is_file():
        raise ModelError(f"There is no trained coding {path}. Give a path, or make one: vidmem train nano-learner.")
    return path


def load_learner(path: Path) -> Learner:
    """A learner without gradients, in float32, on the CPU. Raises ModelError for a file that is none.

    One that was loaded before is shared, for nothing changes it, as long as its file is the same.
    """
    stamp = path.stat()
    return _loaded(path, (stamp.st_mtime_ns, stamp.st_size))


def about(path: Path) -> dict[str, str]:
    """What a file says of itself: its backbone, model, recipe, steps and so on."""
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as reason:
        raise ModelError(f"{path} cannot be read as a trained coding: {reason}. Give another file.") from None


@cache
def _loaded(path: Path, stamp: tuple[int, int]) -> Learner:
    said = about(path)
    if said.get("format") != FORMAT:
        raise ModelError(f"{path} is no trained coding of a target model. Make one with: vidmem train nano-learner.")
    sizes: dict[str, Any] = json.loads(said["sizes"])
    sizes |= {name: tuple(each) for name, each in sizes.items() if isinstance(each, list)}
    with safe_open(path, framework="pt") as file:
        weights = {name: file.get_tensor(name).float() for name in file.keys()}
    learner = Learner(Sizes(**sizes), said["backbone"])
    try:
        learner.load_state_dict(weights)
    except RuntimeError as problem:
        raise ModelError(f"{path} is damaged: {str(problem).splitlines()[-1].strip()}") from None
    return learner.eval().requires_grad_(False)
