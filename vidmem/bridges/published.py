"""Reads the bridge out of a published VideoLLaMB checkpoint: which of its keys is which weight of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from vidmem.bridges.bridge import RecurrentBridge
from vidmem.errors import ModelError

# Their name of a part, behind any prefix, and ours. {a} is the attention's name, {q} one of its projections.
_ATTENTION = r"(?:self|cross)?_?attention\."
RULES = (
    (rf"retrieval\.(?:layers\.0\.)?(?:{_ATTENTION})?([qkv])_proj", "retriever.{0}"),
    (rf"retrieval\.(?:layers\.0\.)?(?:{_ATTENTION})?residual\.dense", "retriever.out"),
    (rf"retrieval\.(?:layers\.0\.)?(?:{_ATTENTION})?residual\.layernorm", "retriever.norm"),
    (r"layers\.0\.selfattention\.([qkv])_proj", "block.attention.{0}"),
    (r"layers\.0\.selfattention\.residual\.dense", "block.attention.out"),
    (r"layers\.0\.selfattention\.residual\.layernorm", "block.attention.norm"),
    (r"layers\.0\.mlp\.0", "block.widen"),
    (r"layers\.0\.residual\.dense", "block.narrow"),
    (r"layers\.0\.residual\.layernorm", "block.norm"),
    (r"proj\.0", "projection"),
)
PROJECTIONS = {"q": "query", "k": "key", "v": "value"}
# In the checkpoint, but never used by its own forward: a random parameter, and the layer's cross-attention.
IDLE = (r"(?:^|\.)memory_tokens$", r"(?<!retrieval\.)layers\.0\.crossattention\.")


def our_name(theirs: str) -> str | None:
    """The name of ours that a key of theirs is; None for a weight that their forward never uses.

    Raises ModelError for a key of the projector that no rule knows.
    """
    if any(re.search(each, theirs) for each in IDLE):
        return None
    if re.search(r"(?:^|\.)read_memory_emb(?:\.weight)?$", theirs):
        return "first_memory"
    for pattern, ours in RULES:
        found = re.search(rf"(?:^|\.){pattern}\.(weight|bias)$", theirs)
        if found:
            *projection, kind = found.groups()
            return f"{ours.format(*(PROJECTIONS[each] for each in projection))}.{kind}"
    raise ModelError(
        f"The checkpoint's key {theirs!r} is no part of a VideoLLaMB bridge this version knows. One layer, "
        "mm_projector_type rmt_r_transformer1x, is what it reads."
    )


def translate(theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their state dict -> ours. Keys outside of the projector (the language model, the towers) are passed over."""
    ours: dict[str, Tensor] = {}
    for key, weight in theirs.items():
        if "mm_projector" not in key and any("mm_projector" in each for each in theirs):
            continue
        name = our_name(key)
        if name is not None:
            ours[name] = weight.reshape(weight.shape[-2:]) if name == "first_memory" else weight
    return ours


def load_published(bridge: RecurrentBridge, theirs: Mapping[str, Tensor]) -> RecurrentBridge:
    """Fills the bridge with a published checkpoint's weights; -> the same bridge.

    Raises ModelError that names the first weight that is missing or has another shape.
    """
    ours, wanted = translate(theirs), bridge.state_dict()
    for name, weight in wanted.items():
        if name not in ours:
            if name == "segment_code":
                ours[name] = weight
                continue
            raise ModelError(f"The checkpoint lacks {name!r} (it gives {len(ours)} of {len(wanted)} weights).")
        if ours[name].shape != weight.shape:
            raise ModelError(
                f"The checkpoint's {name!r} is {tuple(ours[name].shape)}, the bridge's {tuple(weight.shape)}. "
                "Give BridgeSizes the sizes of its config.json."
            )
    bridge.load_state_dict({name: ours[name] for name in wanted})
    return bridge


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors, .bin or .pt file of a checkpoint; nothing in it is executed."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, EOFError, ValueError) as problem:
        raise ModelError(f"{path} cannot be read as weights ({str(problem).splitlines()[0]}).") from problem
    except Exception as problem:  # pickle raises its own kinds for a file that is none
        raise ModelError(f"{path} is no file of weights ({type(problem).__name__}).") from problem
