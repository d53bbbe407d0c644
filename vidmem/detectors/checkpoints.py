"""Detectors in files: weights in safetensors, with the architecture and the classes as JSON in the header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vidmem.detectors.architecture import Architecture
from vidmem.detectors.detector import Detector
from vidmem.errors import ModelError, UsageError

FORMAT = "vidmem-detector-1"


def save(detector: Detector, path: Path, half: bool = False, notes: Mapping[str, Any] | None = None) -> None:
    """Write the weights. half: in 16 bits, half the size."""
    kept = {
        name: (each.half() if half and each.is_floating_point() else each).detach().cpu().contiguous().clone()
        for name, each in detector.state_dict().items()
    }
    header = {
        "format": FORMAT,
        "architecture": json.dumps(detector.architecture.plain()),
        "notes": json.dumps(dict(notes or {})),
    }
    save_file(kept, path, metadata=header)


def load(path: Path, *, expects: Architecture | None = None, device: str | torch.device = "cpu") -> Detector:
    """The detector in a file, ready to be asked. expects: what it must be, where that is known.

    Raises ModelError for a file that is missing, broken, no detector, or of another backbone or other classes.
    """
    architecture, weights = read(path)
    if expects is not None:
        check(architecture, expects, str(path))
    detector = Detector(architecture)
    fill(detector, weights, str(path))
    return detector.to(device).eval()


def read(path: Path) -> tuple[Architecture, dict[str, Tensor]]:
    """The architecture and the weights of a file. Raises ModelError."""
    if not path.is_file():
        raise ModelError(f"There is no detector {path}. Name one that ships, or a .safetensors file of vidmem train.")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, SafetensorError) as problem:
        raise ModelError(f"{path} cannot be read as a detector ({problem}). Get or train it again.") from problem
    if header.get("format") != FORMAT:
        said = header.get("format", "none")
        raise ModelError(f"{path} is no detector of this version (format {said}). A detector comes of vidmem train.")
    try:
        return Architecture(**json.loads(header["architecture"])), weights
    except (TypeError, ValueError, KeyError, UsageError) as problem:
        raise ModelError(f"{path} describes a detector that cannot be made ({problem}). Train it again.") from problem


def check(found: Architecture, wanted: Architecture, where: str) -> None:
    """Raises ModelError where weights are of another backbone or know other classes than is wanted."""
    if found.backbone != wanted.backbone:
        raise ModelError(
            f"{where} has the backbone {found.backbone}, {wanted.backbone} is wanted. Give a checkpoint of that "
            f"backbone, or set backbone = {found.backbone!r}."
        )
    if len(found.classes) != len(wanted.classes):
        raise ModelError(
            f"{where} tells {len(found.classes)} classes apart, {len(wanted.classes)} are wanted "
            f"({', '.join(wanted.classes[:4])}, …). Give a checkpoint of these classes, or train one."
        )
    if found.classes != wanted.classes:
        first = next((a, b) for a, b in zip(found.classes, wanted.classes, strict=True) if a != b)
        raise ModelError(
            f"{where} knows the class {first[0]!r} where {first[1]!r} is wanted: its labels would be wrong."
        )


def fill(detector: Detector, weights: Mapping[str, Tensor], where: str, strict: bool = True) -> list[str]:
    """Put weights into a detector; the names that stay as they were. Raises ModelError for what does not fit.

    Not strict: what the weights lack (the memory of a detector trained without) stays as it begins.
    """
    own = detector.state_dict()
    wrong = [name for name, each in weights.items() if name in own and own[name].shape != each.shape]
    if wrong:
        name = wrong[0]
        raise ModelError(
            f"{where}: {name} is {tuple(weights[name].shape)}, this detector has {tuple(own[name].shape)} there. "
            "It is of another architecture; give the one it was trained with."
        )
    lacking = [name for name in own if name not in weights]
    extra = [name for name in weights if name not in own]
    if strict and (lacking or extra):
        what = f"lacks {lacking[0]}" if lacking else f"has {extra[0]}, which this detector has not"
        raise ModelError(f"{where} {what}. It is of another architecture; give the one it was trained with.")
    detector.load_state_dict({name: weights[name].to(own[name].dtype) for name in own if name in weights}, strict=False)
    return lacking
