"""Checkpoints: reading them whatever their layout, and telling in one line what is wrong with a broken one.

Three layouts are read: the official .pt ({"model": weights}), Hugging Face safetensors, and our own safetensors, which
have the official names and carry their sizes as JSON.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from vidmem import cards
from vidmem.errors import ModelError
from vidmem.models.sizes import ARCHITECTURES, Architecture

Weights = dict[str, Tensor]


def read(name: str) -> tuple[Architecture, Weights]:
    """The sizes and float32 weights of a model's name or of a checkpoint file.

    Raises ModelError.
    """
    path, expected = find(name)
    sizes, weights = open_file(path)
    sizes = sizes or recognise(weights, path)
    if expected is not None and expected.fingerprint != sizes.fingerprint:
        raise ModelError(
            f"{path} holds {sizes.name}, not {expected.name}. Ask for {sizes.name!r}, or give another file."
        )
    return sizes, {key: tensor.float() for key, tensor in weights.items()}


def find(name: str) -> tuple[Path, Architecture | None]:
    """The checkpoint file of a name, and the sizes it must have where the name says."""
    if name == "nano":
        path = cards._HOME / "weights" / "nano.safetensors"
        if not path.is_file():
            raise ModelError(f"The embedded model is missing: {path} does not exist. Install vidmem again.")
        return path, ARCHITECTURES["nano"]
    if name in ARCHITECTURES:
        from vidmem.models.download import fetch

        return fetch(name), ARCHITECTURES[name]
    path = Path(name).expanduser()
    if not path.is_file():
        raise ModelError(
            f"No model and no checkpoint file is named {name!r}. Known models: {', '.join(ARCHITECTURES)}."
        )
    return path, None


def open_file(path: Path) -> tuple[Architecture | None, Weights]:
    """The sizes a file states, if it does, and its weights."""
    sizes = None
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                stated = (file.metadata() or {}).get("architecture")
                weights = {key: file.get_tensor(key) for key in file.keys()}
            if stated:
                sizes = _parse(stated)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
            weights = weights.get("model", weights)
    except Exception as reason:
        raise ModelError(f"{path} cannot be read as a checkpoint ({reason}).") from reason
    return sizes, weights


def recognise(weights: Weights, path: Path) -> Architecture:
    """The sizes of weights, told from their shapes."""
    raise ModelError(f"{path} is no SAM 2 that is known.")


def save(model: torch.nn.Module, path: Path, dtype: torch.dtype | None = None) -> None:
    """Write our own safetensors: official names, sizes in the metadata."""
    sizes = model.sizes
    assert isinstance(sizes, Architecture)
    weights = {key: tensor.detach().to("cpu", dtype).contiguous() for key, tensor in model.state_dict().items()}
    save_file(weights, path, {"format": "pt", "architecture": json.dumps(asdict(sizes))})


def _parse(stated: str) -> Architecture:
    values = json.loads(stated)
    return Architecture(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})
