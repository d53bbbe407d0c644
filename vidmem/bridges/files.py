"""Bridges on disk: ours in one safetensors file that knows its sizes; published ones, whose sizes their shapes tell."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vidmem.bridges import CachePolicy
from vidmem.bridges.bridge import BridgeSizes, RecurrentBridge
from vidmem.bridges.everything import Everything
from vidmem.bridges.published import load_published, read_checkpoint, translate
from vidmem.errors import ModelError

FORMAT = "vidmem-bridge-1"


def save_bridge(bridge: RecurrentBridge, path: Path) -> None:
    """Writes the weights and what they are, whole or not at all."""
    notes = {"sizes": asdict(bridge.sizes), "keeps": bridge.keeps, "retrieval": bridge.retrieval}
    part = path.with_name(path.name + ".part")
    save_file(bridge.state_dict(), part, metadata={"format": FORMAT, "notes": json.dumps(notes)})
    os.replace(part, path)


def load_bridge(path: Path, cache: CachePolicy = Everything()) -> RecurrentBridge:  # noqa: B008 (frozen)
    """A bridge of ours or out of a published checkpoint, ready to run. Raises ModelError for a file that holds none."""
    notes = _notes(path)
    weights = read_checkpoint(path)
    if notes is None:
        sizes = sizes_of(weights, path)
        return load_published(RecurrentBridge(sizes, cache), weights).eval()
    bridge = RecurrentBridge(BridgeSizes(**notes["sizes"]), cache, notes["keeps"], notes["retrieval"])
    try:
        bridge.load_state_dict(weights)
    except RuntimeError as problem:
        raise ModelError(
            f"{path} does not hold the weights it promises: {str(problem).splitlines()[-1].strip()}"
        ) from None
    return bridge.eval()


def sizes_of(weights: Mapping[str, Tensor], path: Path, heads: int = 8) -> BridgeSizes:
    """What the shapes of a published checkpoint tell. heads: they do not tell; 8 is what was published."""
    ours = translate(weights)
    for name in ("first_memory", "block.widen.weight", "projection.weight"):
        if name not in ours or ours[name].ndim != 2:
            raise ModelError(f"{path} holds no bridge: {name!r} is not in it. Give a file of ours or of VideoLLaMB's.")
    tokens, width = ours["first_memory"].shape
    return BridgeSizes(width, heads, len(ours["block.widen.weight"]), tokens, len(ours["projection.weight"]))


def _notes(path: Path) -> dict | None:
    """What a file of ours says of itself; None for other files."""
    if path.suffix != ".safetensors":
        return None
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
    except (OSError, SafetensorError) as problem:
        raise ModelError(f"{path} cannot be read as weights ({str(problem).splitlines()[0]}).") from problem
    return json.loads(header["notes"]) if header.get("format") == FORMAT else None
