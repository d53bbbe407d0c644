"""A model that begins as a narrower one: what runs between its layers is there twice, so that it answers as before.

Net2Net (Chen et al. 2016). Channels 2j and 2j + 1 become 4j to 4j + 3: the pair, and its twin behind it. Whoever reads
both of a pair takes a part of each, an uneven one, so that twins are told different things and grow apart. Normalising
twins gives what normalising one of them gives.

The first of two twins lies where the wider codes of place and of time (position.py: sine maps, rotations, time codes)
say what the narrower ones say; the second lies at the frequency between that and the next. So what meets such a code
has no twins: its first channels are the old ones, its second ones are new and nobody reads them yet. That holds for
the queries and keys of memory attention and for the tokens of memory, pages and pointers alike. One thing does change,
a little: the sine map that is added to a frame's features before memory attention.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from vidmem.models.sizes import Architecture

UNEVEN = 0.25  # twins are read at 0.5 +- up to this of the weight
QUIET = 0.5  # of new weights that write new channels of memory

How = Literal["twice", "shared", "first"]


@dataclass(frozen=True)
class _Rule:
    """How a weight grows along what it writes and what it reads."""

    writes: How = "twice"
    reads: How = "shared"
    scale: float = 1.0
    rest: float | None = None  # what is written to second channels is new, times this; None: what `writes` says


# The products of queries and keys are divided by the root of their channels, of which there are twice as many: where
# both have twins the sum is twice as large, where only the first channels count it is as large as before.
_RULES = (
    (r"memory_attention\..*\.q_proj", _Rule(writes="first", scale=math.sqrt(2.0))),
    (r"memory_attention\..*\.self_attn\.k_proj", _Rule(writes="first", rest=1.0)),
    (r"memory_attention\..*\.cross_attn_image\.k_proj", _Rule(writes="first", reads="first", rest=1.0)),
    (r"memory_attention\..*\.cross_attn_image\.v_proj", _Rule(reads="first")),
    (r"memory_encoder\.out_proj|obj_ptr_proj\.layers\.2", _Rule(writes="first", rest=QUIET)),
    (r"maskmem_tpos_enc|no_obj_embed_spatial|no_obj_ptr", _Rule(writes="first")),
    (r"obj_ptr_tpos_proj", _Rule(writes="first", reads="first")),
    (r"sam_mask_decoder\.transformer\..*\.q_proj", _Rule(scale=math.sqrt(0.5))),
    (r"sam_mask_decoder\.output_hypernetworks_mlps\.\d+\.layers\.2", _Rule(writes="shared")),
)
# Vectors that are looked up or added, not multiplied: they only write, along their last side.
_VECTORS = re.compile(r"no_(mem|obj)_|maskmem_|sam_prompt_encoder\..*(embed|gaussian)|sam_mask_decoder\.\w+_tokens?\.")
_TRANSPOSED = re.compile(r"output_upscaling\.[03]\.weight")  # (in, out, ...) where others are (out, in, ...)


@torch.no_grad()
def widened(
    weights: Mapping[str, Tensor], old: Architecture, new: Architecture, fresh: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The weights of `old` at the widths of `new`, and where there is something new to be learnt, those of `fresh`.

    `new` has twice the d_model and mem_dim of `old`, its dim_feedforward once or twice, and is else equal. Random
    numbers come from torch's global generator. Raises ValueError for any other pair.
    """
    alike = replace(old, name=new.name, d_model=2 * old.d_model, mem_dim=2 * old.mem_dim, image_size=new.image_size)
    if new not in (alike, replace(alike, dim_feedforward=2 * old.dim_feedforward)):
        raise ValueError(f"{new.name} is not {old.name} at twice the width.")
    return {name: _wider(name, each, fresh[name]) for name, each in weights.items()}


def twins(first: Tensor, second: Tensor, side: int) -> Tensor:
    """Two tensors in one of twice the size along a side: a pair of channels of the first, then its twin, and so on."""
    pairs = [each.unflatten(side, (-1, 2)) for each in (first, second)]
    return torch.stack(pairs, dim=side + 1).flatten(side, side + 2)


def apart(both: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """What `twins` put together."""
    first, second = both.unflatten(side, (-1, 2, 2)).unbind(side + 1)
    return first.flatten(side, side + 1), second.flatten(side, side + 1)


def _wider(name: str, weight: Tensor, fresh: Tensor) -> Tensor:
    if weight.shape == fresh.shape:
        return weight.clone()
    rule = next((rule for names, rule in _RULES if re.match(names, name)), _Rule())
    writes, reads = _sides(name, weight)
    wider = weight * rule.scale
    if wider.shape[writes] != fresh.shape[writes]:
        wider = _along(wider, writes, rule.writes)
    if reads is not None and wider.shape[reads] != fresh.shape[reads]:  # only now: twins read parts of their own
        wider = _along(wider, reads, rule.reads)
    if rule.rest is not None:
        wider = twins(apart(wider, writes)[0], apart(fresh, writes)[1].to(wider) * rule.rest, writes)
    return wider


def _sides(name: str, weight: Tensor) -> tuple[int, int | None]:
    """Along which side of a weight lies what it writes, and along which what it reads."""
    if weight.ndim == 1 or _VECTORS.match(name):
        return weight.ndim - 1, None
    return (1, 0) if _TRANSPOSED.search(name) else (0, 1)


def _along(weight: Tensor, side: int, how: How) -> Tensor:
    if how == "twice":
        return twins(weight, weight, side)
    if how == "first":
        return twins(weight, torch.zeros_like(weight), side)
    part = 0.5 + UNEVEN * (2 * torch.rand_like(weight) - 1)
    return twins(weight * part, weight - weight * part, side)
