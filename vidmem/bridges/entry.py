"""What the cache of a bridge holds."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Kept:
    """One segment, or several put together, as it is remembered."""

    tokens: Tensor  # (B, T, C) what retrieval attends to: its memory tokens, or all its tokens
    retrieved: Tensor  # (B, M, C) the memory that retrieval made behind it: what a language model may be given of it
    first: int  # number of the first segment in it
    last: int  # and of the last
    count: int = 1  # how many segments it stands for


Cache = tuple[Kept, ...]  # oldest first


def likeness(one: Kept, other: Kept) -> float:
    """Cosine of the angle between the tokens of two entries of one video, token by token, then the mean: -1..1."""
    return float(F.cosine_similarity(one.tokens.detach().float(), other.tokens.detach().float(), dim=-1).mean())
