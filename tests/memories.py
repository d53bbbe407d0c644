"""Memories of any shape for tests of memory attention: ragged batches, pointers or none, biases, scales, 8 bits."""

from __future__ import annotations

from dataclasses import replace

import torch

from vidmem.kernels.tokens import Places, Projection, Tokens
from vidmem.models.position import axial_rotation, sine_map

CPU = torch.device("cpu")


def places_of(width: int, narrow: int, rows: int, columns: int) -> Places:
    """A grid, row by row, and behind it the place of what lies nowhere."""
    cosine, sine = axial_rotation(width, rows, columns, CPU)
    code = sine_map(narrow, rows, columns, CPU).flatten(1).T
    return Places(
        torch.cat((code, torch.zeros(1, narrow))),
        torch.cat((cosine, torch.ones(1, width // 2))),
        torch.cat((sine, torch.zeros(1, width // 2))),
    )


def memory_of(
    pages: list[int],
    pointers: list[int],
    *,
    width: int = 64,
    narrow: int = 16,
    grid: tuple[int, int] = (6, 8),
    queries: int = 40,
    dtype: torch.dtype = torch.float32,
    biased: bool = False,
    scaled: bool = False,
    eight: bool = False,
    shared: bool = False,
    sharp: float = 1.0,
    seed: int = 0,
) -> tuple[torch.Tensor, Tokens, Places, Projection]:
    """Queries, and a memory of so many pages and pointers in each item of the batch."""
    chance = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=chance)

    cells = grid[0] * grid[1]
    places = places_of(width, narrow, *grid)
    entries = tuple(
        (cells,) * own + (width // narrow,) * pointing for own, pointing in zip(pages, pointers, strict=True)
    )
    total, rows = sum(map(sum, entries)), sum(map(len, entries))
    lies = torch.cat(
        [
            torch.arange(length, dtype=torch.int32) if length == cells else torch.full((length,), cells).int()
            for item in entries
            for length in item
        ]
    )
    tokens = Tokens(
        noise(total, narrow).to(dtype),
        entries,
        lies,
        noise(rows, narrow).to(dtype),
        scale=1 + 0.1 * noise(total) if scaled else None,
        bias=noise(total) if biased else None,
    )
    if eight:
        codes = torch.randint(0, 256, (total, narrow), generator=chance, dtype=torch.uint8)
        step, least = 0.01 + 0.01 * noise(rows, narrow).abs(), noise(rows, narrow)
        tokens = replace(tokens, values=codes, step=step, least=least)
    q = (sharp * noise(1 if shared else len(pages), queries, width)).to(dtype)
    projection = Projection((noise(width, narrow) * narrow**-0.5).to(dtype), noise(width).to(dtype))
    return q, tokens, replace(places, code=places.code.to(dtype)), projection


def exact(q: torch.Tensor, tokens: Tokens, places: Places, projection: Projection) -> tuple:
    """The same in double precision."""

    def doubled(value: torch.Tensor | None) -> torch.Tensor | None:
        return value.double() if value is not None and value.is_floating_point() else value

    tokens = Tokens(
        tokens.values if tokens.step is not None else tokens.values.double(),
        tokens.entries,
        tokens.cell,
        tokens.code.double(),
        doubled(tokens.scale),
        doubled(tokens.bias),
        doubled(tokens.step),
        doubled(tokens.least),
        tokens.keys,
    )
    return (
        q.double(),
        tokens,
        Places(places.code.double(), places.cosine.double(), places.sine.double()),
        Projection(projection.weight.double(), projection.bias.double()),
    )


def error(found: torch.Tensor, truth: torch.Tensor) -> float:
    """Relative, of the whole tensor."""
    return float((found.double() - truth).norm() / truth.norm())
