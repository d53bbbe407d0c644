"""Checkpoints: reading them whatever their layout, and telling in one line what is wrong with a broken one.

Three layouts are read: the official .pt ({"model": weights}), Hugging Face safetensors, and our own safetensors, which
have the official names and carry their sizes as JSON.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised
from torch import Tensor

from vidmem import cards
from vidmem.errors import ModelError
from vidmem.models import hf_names, manifest
from vidmem.models.sizes import ARCHITECTURES, EMBEDDED, Architecture

if TYPE_CHECKING:
    from vidmem.models.sam2 import Sam2

Weights = dict[str, Tensor]
_AGAIN = "Download it again, or give another file."


def find(name: str, checkpoint: str | Path | None = None) -> tuple[Path, Architecture | None]:
    """The checkpoint file of a model, and the sizes it must have where a name says so.

    name: a named size, weights it had before ("nano-21e6ae75"), or the path of a file when no `checkpoint` is given.
    Raises ModelError.
    """
    expected = ARCHITECTURES.get(name)
    if checkpoint is None and expected is None and name in _earlier():
        return _fetched(name), None
    if checkpoint is None and expected is None:
        checkpoint = name
    if checkpoint is None:
        return (_embedded(name) if name == EMBEDDED else _fetched(name)), expected
    path = Path(checkpoint).expanduser()
    if path.is_dir():  # a model folder as Hugging Face keeps it
        path = path / "model.safetensors"
    if path.is_file():
        return path, expected
    if expected is not None:
        raise ModelError(f"There is no checkpoint file {path} to read {name} from. Give one that exists.")
    raise ModelError(f"No model is named {name!r} and there is no such file. Known models: {_known()}.")


def _known() -> str:
    with_weights = {each.name for each in manifest.every()}
    return ", ".join(dict.fromkeys([*(name for name in ARCHITECTURES if name in with_weights), *_earlier()]))


def _earlier() -> list[str]:
    """Names of weights that a model had before: its name and the beginning of their sha256."""
    return [each.name for each in manifest.every() if each.earlier]


def _embedded(name: str) -> Path:
    path = cards.beside("weights", f"{name}.safetensors")
    if not path.is_file():
        raise ModelError(f"The embedded model is missing: there is no {path}. Install vidmem again.")
    return path


def _fetched(name: str) -> Path:
    from vidmem.models.download import fetch

    return fetch(name)


def read(path: Path, expected: Architecture | None = None) -> tuple[Architecture, Weights]:
    """The sizes of a checkpoint and its weights under the published names.

    Raises ModelError for a file that cannot be read, is no SAM 2 that is known, or has other sizes than `expected`.
    """
    stated, weights = _open(path)
    if hf_names.is_hugging_face(weights):
        weights = hf_names.to_official(weights)
    found = _fingerprint(weights, path)
    same = [each for each in (stated, expected, *ARCHITECTURES.values()) if each and each.fingerprint == found]
    if not same:
        raise ModelError(
            f"{path} holds a SAM 2 of unknown sizes (embed_dim {found[0]}, stages {found[1]}, d_model {found[3]}). "
            f"Known models: {_known()}. A file saved by vidmem carries its own sizes."
        )
    if expected is not None and expected.fingerprint != found:
        raise ModelError(
            f"{path} holds {same[0].name}, but {expected.name} was asked for. "
            f"Ask for {same[0].name}, or give a file of {expected.name}."
        )
    return same[0], weights


def check(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path, name: str) -> None:
    """Raises ModelError when weights lack a name or a shape of those `wanted`, or have one too many."""
    missing, unexpected = sorted(wanted.keys() - weights.keys()), sorted(weights.keys() - wanted.keys())
    if missing:
        raise ModelError(
            f"{path} lacks {len(missing)} of the {len(wanted)} tensors of {name}, such as {missing[0]}. {_AGAIN}"
        )
    if unexpected:
        raise ModelError(
            f"{path} has {len(unexpected)} tensors that {name} does not know, such as {unexpected[0]}. "
            "Is it of another model?"
        )
    for key, tensor in wanted.items():
        if weights[key].shape != tensor.shape:
            raise ModelError(
                f"{path}: {key} is {tuple(weights[key].shape)}, in {name} it is {tuple(tensor.shape)}. "
                "Is it of another model?"
            )


def save(model: Sam2, path: Path, dtype: torch.dtype | None = None) -> None:
    """Write our own safetensors: published names, sizes in the metadata; floats as `dtype` when given."""
    weights = {key: tensor.detach().to("cpu", dtype).contiguous() for key, tensor in model.state_dict().items()}
    path.write_bytes(serialised(weights, {"format": "pt", "architecture": json.dumps(asdict(model.sizes))}))


def _open(path: Path) -> tuple[Architecture | None, Weights]:
    """The sizes a file states, if it does, and its weights under whatever names."""
    stated = None
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                weights = {key: file.get_tensor(key) for key in file.keys()}
            if "architecture" in metadata:
                stated = _parsed(metadata["architecture"])
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
            weights = content.get("model", content) if isinstance(content, dict) else {}
    except (OSError, RuntimeError, EOFError, ValueError, TypeError, KeyError, SafetensorError) as reason:
        raise ModelError(f"{path} cannot be read as a checkpoint: {_first_sentence(reason)}. {_AGAIN}") from reason
    except pickle.UnpicklingError as reason:
        raise ModelError(f"{path} is no checkpoint of plain weights, and nothing else is opened. {_AGAIN}") from reason
    if not weights or not all(isinstance(each, Tensor) for each in weights.values()):
        raise ModelError(f"{path} holds no weights: a dictionary of tensors is wanted, bare or under 'model'. {_AGAIN}")
    return stated, weights


def _first_sentence(reason: Exception) -> str:
    text = " ".join(str(reason).split())
    if len(text) < 8:  # a bare key or nothing
        text = f"it is no file of weights ({type(reason).__name__} {text})"
    return text.split(". ")[0][:200].rstrip(".")


def _parsed(stated: str) -> Architecture:
    values: dict[str, Any] = json.loads(stated)
    values |= {key: tuple(each) for key, each in values.items() if isinstance(each, list)}
    return Architecture(**values)


def _fingerprint(weights: Weights, path: Path) -> tuple[object, ...]:
    """`Architecture.fingerprint`, told from the shapes."""
    trunk, attention, decoder = "image_encoder.trunk", "memory_attention.layers", "sam_mask_decoder.transformer.layers"
    try:
        # A block that widens has a projection past its attention: there a stage begins.
        blocks = len({key.split(".")[3] for key in weights if key.startswith(f"{trunk}.blocks.")})
        starts = [0, *(n for n in range(blocks) if f"{trunk}.blocks.{n}.proj.weight" in weights), blocks]
        return (
            len(weights[f"{trunk}.patch_embed.proj.weight"]),
            tuple(b - a for a, b in pairwise(starts)),
            tuple(weights[f"{trunk}.pos_embed"].shape[2:]),
            weights["no_mem_embed"].shape[2],
            weights["maskmem_tpos_enc"].shape[3],
            len({key.split(".")[2] for key in weights if key.startswith(f"{attention}.")}),
            len(weights[f"{attention}.0.linear1.weight"]),
            len(weights[f"{decoder}.0.mlp.layers.0.weight"]),
            len(weights["maskmem_tpos_enc"]),
            "no_obj_embed_spatial" in weights,
            "obj_ptr_tpos_proj.weight" in weights,
        )
    except (KeyError, IndexError) as missing:
        raise ModelError(
            f"{path} is no SAM 2 that can track: it lacks {str(missing).strip(chr(39))}. "
            "A checkpoint of images alone has no memory; give one of Sam2VideoModel or an official one."
        ) from missing
