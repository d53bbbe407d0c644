"""What memory attention is given: the tokens of a whole batch one behind the other, and what their keys are made of.

The key of a token is  R[cell] ( Wk (scale (token + place[cell] + code[entry])) + b ):  R turns channel pairs by where
the token lies (rotary position), `code` tells how old its entry is. A token that lies nowhere, as one of an object
pointer, has the row of `Places` that is zero and does not turn. The value of a token is the token.

Channel i of a key makes a pair with channel i + C / 2, and those of queries likewise. Published weights have pairs of
neighbours; `in_halves` puts their rows in this order, which changes no score and lets a whole half turn at once.

Letters:  B items of the batch   T tokens of all items   T' keys of all items   E entries of all items
          C channels of queries   Cm channels of tokens   M queries of an item
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

Lengths = tuple[tuple[int, ...], ...]  # of each entry of each item: how many tokens or keys


@dataclass(frozen=True, eq=False)
class Places:
    """Where a token may lie, one row a place."""

    code: Tensor  # (L, Cm) added to the token
    cosine: Tensor  # (L, C / 2) float32
    sine: Tensor  # (L, C / 2) float32


@dataclass(frozen=True, eq=False)
class Projection:
    """From a token to its key."""

    weight: Tensor  # (C, Cm)
    bias: Tensor  # (C,)


@dataclass(frozen=True, eq=False)
class Tokens:
    """The memories of a batch without any padding: item after item, in each entry after entry."""

    values: Tensor  # (T, Cm) floating, or uint8 codes of numbers `step` apart from `least` upwards
    entries: Lengths  # tokens of each entry
    cell: Tensor  # (T,) int32 rows of `Places`
    code: Tensor  # (E, Cm) added to every token of an entry, to make its key
    scale: Tensor | None = None  # (T,) float32
    bias: Tensor | None = None  # (T',) float32, added to the logits of a key
    step: Tensor | None = None  # (E, Cm) float32
    least: Tensor | None = None  # (E, Cm) float32
    keys: Lengths | None = None  # keys of each entry, where several tokens are attended as one

    def __post_init__(self) -> None:
        count = sum(map(sum, self.entries))
        if count != len(self.values) or count != len(self.cell) or sum(map(len, self.entries)) != len(self.code):
            raise ValueError(
                f"Tokens: {count} tokens in {sum(map(len, self.entries))} entries are announced, {len(self.values)} "
                f"tokens, {len(self.cell)} cells and {len(self.code)} codes came. They must agree."
            )
        if not all(sum(item) for item in self.entries):
            raise ValueError("Tokens: an item of the batch has no token to attend. Leave it out.")
        if (self.values.dtype == torch.uint8) != (self.step is not None and self.least is not None):
            raise ValueError("Tokens: values in 8 bits need `step` and `least`, others have none.")

    @property
    def attended(self) -> Lengths:
        """Keys of each entry of each item."""
        return self.entries if self.keys is None else self.keys

    def alone(self) -> list[Tokens]:
        """The same, each item for itself."""
        if len(self.entries) == 1:
            return [self]
        out: list[Tokens] = []
        token = key = entry = 0
        for item, lengths in enumerate(self.entries):
            keys = self.attended[item]
            own = slice(token, token := token + sum(lengths))
            these = slice(entry, entry := entry + len(lengths))
            seen = slice(key, key := key + sum(keys))
            part: dict[str, Tensor | None] = {
                "scale": None if self.scale is None else self.scale[own],
                "bias": None if self.bias is None else self.bias[seen],
                "step": None if self.step is None else self.step[these],
                "least": None if self.least is None else self.least[these],
            }
            keyed = None if self.keys is None else (keys,)
            out.append(Tokens(self.values[own], (lengths,), self.cell[own], self.code[these], **part, keys=keyed))
        return out

    @property
    def entry(self) -> Tensor:
        """(T,) int32 the entry of each token."""
        return entry_rows(self.entries, self.values.device)


@dataclass(frozen=True, eq=False)
class Attended:
    """What queries saw of a memory."""

    values: Tensor  # (B, M, Cm) the mean of the tokens, weighted by attention
    # One tensor an item, (M, E of the item) float32: log of the sum of exp(logit) over the keys of each entry.
    lse: list[Tensor] | None = None
    # One tensor an item, (T' of the item) float32: the attention each key got, averaged over queries; adds up to 1.
    usage: list[Tensor] | None = None


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def entry_rows(entries: Lengths, device: torch.device) -> Tensor:
    """(T,) int32 the number of each token's entry. Kept, since the layout of a stream soon stands still."""
    lengths = [length for item in entries for length in item]
    rows, total = torch.arange(len(lengths), dtype=torch.int32), sum(lengths)
    return rows.repeat_interleave(torch.tensor(lengths), output_size=total).to(device)


def plain_values(tokens: Tokens, dtype: torch.dtype) -> Tensor:
    """(T, Cm) the tokens as numbers."""
    if tokens.step is None or tokens.least is None:
        return tokens.values.to(dtype)
    row = tokens.entry
    return (tokens.values * tokens.step[row] + tokens.least[row]).to(dtype)


def key_inputs(tokens: Tokens, values: Tensor, places: Places) -> Tensor:
    """(T, Cm) what the projection makes keys of.     values: as `plain_values` gives them"""
    x = values + (places.code.to(values.dtype)[tokens.cell] + tokens.code.to(values.dtype)[tokens.entry])
    return x if tokens.scale is None else x * tokens.scale.to(x.dtype)[:, None]


def in_halves(rows: Tensor) -> Tensor:
    """A weight (C, ...) or bias (C,) whose neighbouring rows make pairs: all first ones, then all second ones."""
    return torch.cat((rows[0::2], rows[1::2]))


def turn(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Channel pairs turned, in float32 or finer.     x (..., N, C)   cosine, sine (N, C / 2)   ->   (..., N, C)"""
    if x.dtype in (torch.bfloat16, torch.float16):
        return turn(x.float(), cosine, sine).type_as(x)
    first, second = x.chunk(2, dim=-1)
    out = torch.empty_like(x) if not (torch.is_grad_enabled() and x.requires_grad) else None
    if out is None:
        return torch.cat((first * cosine - second * sine, first * sine + second * cosine), dim=-1)
    half = out.shape[-1] // 2
    torch.mul(first, cosine, out=out[..., :half]).addcmul_(second, sine, value=-1)
    torch.mul(first, sine, out=out[..., half:]).addcmul_(second, cosine)
    return out


def keys_and_values(
    tokens: Tokens,
    places: Places,
    projection: Projection,
    dtype: torch.dtype,
    pool: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """(T', C) keys and (T', Cm) values, both of `dtype`. Keys are made in float32 or finer and rounded once: rounded at
    every step they err three times as much, and making them is a hundredth of the work."""
    values = plain_values(tokens, dtype)
    fine = torch.promote_types(dtype, torch.float32)
    inputs = key_inputs(tokens, plain_values(tokens, fine), places)
    keys = F.linear(inputs, projection.weight.to(fine), projection.bias.to(fine))
    keys = turn(keys, places.cosine[tokens.cell], places.sine[tokens.cell]).to(dtype)
    return (keys, values) if pool is None else (pool(keys), pool(values))
