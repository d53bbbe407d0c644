"""What differs between families of vision language models: how a frame is seen, how a prompt is written, and which
position each token has. Nothing of a model's class is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from vidmem.errors import ModelError

Where = Literal["vision", "language"]  # before or behind the model's own projector


@dataclass(frozen=True)
class Family:
    """A kind of model. `look` and `positions` are told apart by the flags."""

    name: str
    prompt: str  # with one placeholder for the memory, and {text}
    placeholder: str  # its token
    mrope: bool = False  # three positions a token: time, row and column (Qwen2-VL, arXiv 2409.12191, 2.1)


LLAVA = Family("llava", "USER: <image>\n{text} ASSISTANT:", "<image>")
QWEN = Family(
    "qwen",
    "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>{text}<|im_end|>\n<|im_start|>assistant\n",
    "<|image_pad|>",
    mrope=True,
)
FAMILIES = {"llava": LLAVA, "vipllava": LLAVA, "qwen2_vl": QWEN, "qwen2_5_vl": QWEN, "qwen3_vl": QWEN}


def family_of(model_type: str) -> Family:
    """Raises ModelError for a type whose pictures or positions this version does not know."""
    if model_type not in FAMILIES:
        raise ModelError(
            f"A model of type {model_type!r} cannot be given a memory by this version. Known: {', '.join(FAMILIES)}."
        )
    return FAMILIES[model_type]


def look(model: Any, family: Family, pixels: dict[str, Any], where: Where) -> Tensor:
    """(h, w, C) what the model sees of one frame, on its grid of patches.

    Raises ModelError where the tower's features are asked for before a projector that joins several patches.
    """
    if family.mrope:
        if where == "vision":
            raise ModelError(
                "A Qwen-VL model joins patches in its projector: use a bridge as wide as its language model."
            )
        seen = model.get_image_features(pixels["pixel_values"], pixels["image_grid_thw"])
        _, rows, columns = (int(each) for each in pixels["image_grid_thw"][0])
        side = model.config.vision_config.spatial_merge_size
        return _first(seen).unflatten(0, (rows // side, columns // side))
    if where == "language":
        seen = _first(model.get_image_features(pixels["pixel_values"]))
    else:
        layer, strategy = model.config.vision_feature_layer, model.config.vision_feature_select_strategy
        if not isinstance(layer, int):
            raise ModelError(
                "This model joins several layers of its tower: use a bridge as wide as its language model."
            )
        hidden = model.model.vision_tower(pixels["pixel_values"], output_hidden_states=True).hidden_states[layer][0]
        seen = hidden[1:] if strategy == "default" else hidden
    side = int(len(seen) ** 0.5)
    return seen[len(seen) - side * side :].unflatten(0, (side, side))  # without a class token, if one was kept


def _first(seen: Any) -> Tensor:
    """(N, D) of the one picture, from what different versions of transformers return."""
    pooled = getattr(seen, "pooler_output", seen)
    return pooled[0]


def positions(family: Family, before: int, entries: int, each: int, after: int) -> Tensor | None:
    """(3, 1, L) time, row and column of every token: text, then the memory, then text; None where the model counts.

    Every entry of the memory is a moment of its own, and its tokens lie on a grid as near to a square as their number
    allows: the rule of Qwen2-VL for a video of as many frames. Text goes on behind the greatest position.
    """
    if not family.mrope:
        return None
    rows = next(side for side in range(int(each**0.5), 0, -1) if each % side == 0)
    columns = each // rows
    moment = torch.arange(entries).repeat_interleave(each)
    row = torch.arange(rows).repeat_interleave(columns).repeat(entries)
    column = torch.arange(columns).repeat(rows * entries)
    memory = torch.stack([moment, row, column]) + before
    behind = int(memory.max()) + 1 if memory.numel() else before
    return torch.cat([_text(0, before), memory, _text(behind, after)], 1)[:, None]


def _text(start: int, count: int) -> Tensor:
    return (torch.arange(count) + start).expand(3, -1)
