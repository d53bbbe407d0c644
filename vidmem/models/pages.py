"""How pages of memory lie over the model's grid: the place and rotation of their tokens, and which are attended as one.

An ordinary page has a token for each cell, row by row. A page stored coarser has one for each square of cells. A page
with `cells` holds tokens picked from anywhere: each keeps the place it came from. Any page but the last kind may be
pooled, as EfficientTAM does (arXiv 2411.18933): keys are averaged over squares after projection and rotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from vidmem.errors import UsageError
from vidmem.models.position import axial_rotation, rotate, sine_map

Grid = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Placement:
    """Where the tokens of a page are, the same for a whole batch but for `cells`. Made by `placed`, which checks it."""

    tokens: int
    stride: int = 1  # side of the square of cells that one stored token stands for
    pool: int = 1  # side of the square of tokens that are attended as one
    cells: Tensor | None = None  # (B, N) int

    @property
    def attended(self) -> int:
        """How many keys the page is to the attention."""
        return self.tokens // self.pool**2


def placed(tokens: int, grid: Grid, pool: int = 1, cells: Tensor | None = None) -> Placement:
    """How a page of so many tokens lies over a grid (h, w). Raises UsageError where it does not."""
    height, width = grid
    if cells is not None:
        if pool > 1:
            raise UsageError(
                "A memory page whose tokens lie in cells of their own cannot be pooled: they are no grid. "
                "Pool the pages of whole frames only."
            )
        # Looking at numbers on a GPU would wait for it; there the pages of whole frames beside this one are measured.
        if cells.device.type == "cpu" and cells.numel():
            first, last = int(cells.min()), int(cells.max())
            if first < 0 or last >= height * width:
                raise UsageError(
                    f"Memory tokens lie in cells {first} to {last}, the model's {height} x {width} memory grid has "
                    f"0 to {height * width - 1}. Were they made by a model of another input size?"
                )
        return Placement(tokens, cells=cells)
    stride = page_stride(tokens, grid)
    if height // stride % pool or width // stride % pool:
        raise UsageError(
            f"A memory page of {height // stride} x {width // stride} tokens cannot be pooled by {pool} x {pool}. "
            f"Choose an input size whose sides divide by {16 * stride * pool}, or a smaller square."
        )
    return Placement(tokens, stride, pool)


def page_stride(tokens: int, grid: Grid) -> int:
    """How many cells of the grid one token of a page stands for, along each axis: 1, or more for a pooled page."""
    height, width = grid
    stride = 1
    while height // stride * (width // stride) > tokens:
        stride += 1
    if height % stride or width % stride or height * width != tokens * stride * stride:
        raise UsageError(
            f"A memory page of {tokens} tokens does not fit the model's {height} x {width} memory grid "
            f"({height * width} tokens, or that divided by a square). Was it made by a model of another input size?"
        )
    return stride


def place_code(channels: int, grid: Grid, page: Placement, device: torch.device) -> Tensor:
    """(N, channels) the sine code of the page's tokens; (B, N, channels) where they lie in cells of their own."""
    code = sine_map(channels, *grid, device, page.stride).flatten(1).T
    return code if page.cells is None else code[page.cells]


def turned(keys: Tensor, grid: Grid, pages: Sequence[Placement]) -> Tensor:
    """Keys as they are attended: rotated as if each page lay over the current frame, then pooled.

    keys (B, A, M, C), the tokens of the pages first   ->   (B, A, M', C). What follows the pages stays as it is.
    """
    parts, start = [], 0
    for page, count in _runs(pages):
        run = keys[:, :, start : start + count * page.tokens]
        cosine, sine = axial_rotation(keys.shape[3], *grid, keys.device, page.stride)
        if page.cells is None:
            run = rotate(run.unflatten(2, (count, page.tokens)), (cosine, sine)).flatten(2, 3)
        else:
            run = rotate(run, (cosine[page.cells][:, None], sine[page.cells][:, None]))
        parts.append(_pooled(run, grid, page))
        start += count * page.tokens
    if start < keys.shape[2]:
        parts.append(keys[:, :, start:])
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)


def pooled(tokens: Tensor, grid: Grid, pages: Sequence[Placement]) -> Tensor:
    """Values as they are attended.     tokens (B, M, C), those of the pages first   ->   (B, M', C)

    A mean of projections is the projection of the mean, so values may be pooled before they are projected.
    """
    if all(page.pool == 1 for page in pages):
        return tokens
    parts, start = [], 0
    for page, count in _runs(pages):
        parts.append(_pooled(tokens[:, start : start + count * page.tokens], grid, page))
        start += count * page.tokens
    return torch.cat((*parts, tokens[:, start:]), dim=1)


def shared_out(usage: Tensor, grid: Grid, pages: Sequence[Placement]) -> list[Tensor]:
    """For each page (B, N): how much each of its tokens is attended; what is attended as one is shared out evenly.

    usage (B, M') of the keys as they are attended
    """
    shares = []
    for page, part in zip(
        pages, usage[:, : sum(p.attended for p in pages)].split([p.attended for p in pages], 1), strict=True
    ):
        if page.pool > 1:
            part = part.unflatten(1, (grid[0] // page.stride // page.pool, -1)) / page.pool**2
            part = part.repeat_interleave(page.pool, 1).repeat_interleave(page.pool, 2).flatten(1)
        shares.append(part)
    return shares


def _runs(pages: Sequence[Placement]) -> list[tuple[Placement, int]]:
    """Pages that follow each other and lie alike, with their number: they are worked on together."""
    alike = groupby(
        enumerate(pages), lambda each: (each[1].tokens, each[1].pool, each[1].cells is not None and each[0])
    )
    return [(run[0][1], len(run)) for _, each in alike if (run := list(each))]


def _pooled(run: Tensor, grid: Grid, page: Placement) -> Tensor:
    """The tokens of pages that lie alike, (..., R N, C), each square of them as its mean."""
    if page.pool == 1:
        return run
    rows, columns = grid[0] // page.stride // page.pool, grid[1] // page.stride // page.pool
    squares = run.unflatten(-2, (-1, rows, page.pool, columns, page.pool))
    return squares.mean((-4, -2)).flatten(-4, -2)
