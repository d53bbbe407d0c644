"""Weights told apart: what was trained on top of a network must not be put on another."""

from __future__ import annotations

import hashlib

import torch
from torch import nn


def digest(*parts: nn.Module) -> str:
    """The sha256 of all weights of some parts, in hexadecimal.

    Weights are rounded to bfloat16 first, so that a network has the same name whether its weights are held in float32,
    float16 or bfloat16.
    """
    found = hashlib.sha256()
    for part in parts:
        for name, weight in sorted(part.state_dict().items()):
            found.update(f"{name} {tuple(weight.shape)}".encode())
            found.update(weight.detach().to("cpu", torch.bfloat16).contiguous().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
