"""Traces of reference implementations, recorded as numbers under tests/recorded/: how to read them, and the weights
they were made with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vidmem.banks import Bank
from vidmem.models import checkpoints
from vidmem.models.options import Options
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import BEFORE, Architecture

RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str) -> dict[str, Any]:
    """What is in tests/recorded/NAME.json."""
    return json.loads((RECORDED / f"{name}.json").read_text())


def digest(weights: dict[str, Tensor]) -> str:
    """A fingerprint of weights: sha256 over names and float32 values, in the order of the names."""
    hashed = hashlib.sha256()
    for name in sorted(weights):
        hashed.update(name.encode() + weights[name].float().contiguous().numpy().tobytes())
    return hashed.hexdigest()


def drawn_weights(sizes: Architecture, seed: int, shifts: Mapping[str, float]) -> dict[str, Tensor]:
    """Random weights that are the same on every machine: whole numbers are drawn, and divided.

    shifts: what is added to the tensors of these names, to bring scores to where they decide something.
    """
    generator = np.random.RandomState(seed)
    weights = {}
    for name, like in sorted(Sam2(sizes).state_dict().items()):
        numbers = torch.from_numpy(generator.randint(-1000, 1001, tuple(like.shape)).astype(np.float32)) / 1000
        gain = 3.0 / float(np.sqrt(max(1, numbers[0].numel()))) if like.ndim > 1 else 0.3
        numbers = numbers * gain
        if like.ndim == 1 and name.endswith("weight"):
            numbers = numbers + 1
        weights[name] = numbers + shifts.get(name, 0.0)
    return weights


def start_weights(data: Path) -> dict[str, Tensor]:
    """The first weights the embedded model had, which traces on real clips were made with; later ones replace them."""
    path = data.parent / "weights" / "nano-start.pt"
    if not path.exists():
        pytest.skip(f"{path.name}, with which the trace was made, is not beside the real clips")
    return checkpoints.read(path, BEFORE)[1]


def model_of(sizes: Architecture, weights: dict[str, Tensor], **options: Any) -> Sam2:
    """A SAM 2 of these weights. It stores memories as computed: rounding would make of 1e-7 something that counts."""
    model = Sam2(sizes, Options(memory_dtype=torch.float32, **options))
    model.load_state_dict({name: each.float() for name, each in weights.items()})
    return model.eval().requires_grad_(False)


def attended(bank: Bank, state: Any) -> tuple[list[tuple[int, int]], list[tuple[int, float]]]:
    """What a bank lets the model see: its pages as (frame, slot), its pointers as (frame, position)."""
    memory = bank.read(state)
    if memory is None:
        return [], []
    pages = [(page.entry.frame, page.slot) for page in memory.pages]
    return pages, [(pointer.entry.frame, pointer.position) for pointer in memory.pointers]
