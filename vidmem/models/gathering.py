"""Memories as memory attention wants them: the tokens of a whole batch in one piece, with where each lies and how old
it is. What does not change from frame to frame in a steady stream is made once and kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from vidmem.kernels.tokens import Lengths, Places, Tokens, entry_rows
from vidmem.models.pages import Grid, Placement, placed, pooled
from vidmem.models.position import axial_rotation, sine_map, time_code
from vidmem.models.recall import with_nowhere
from vidmem.values import Memory, unpacked

if TYPE_CHECKING:
    from vidmem.models.sam2 import Sam2


@dataclass(frozen=True, eq=False)
class Gathered:
    """A batch of memories, ready to be attended."""

    tokens: Tokens
    places: Places
    pages: tuple[tuple[Placement, ...], ...]  # of each memory
    pool: Callable[[Tensor], Tensor] | None  # where pages are attended in squares


def gather(model: Sam2, memories: Sequence[Memory], device: torch.device, dtype: torch.dtype) -> Gathered:
    """The memories in one piece. Each has a page or a pointer at least.

    Raises UsageError for a page that does not fit the model's memory grid.
    """
    sizes = model.sizes
    grid, parts = sizes.grid, sizes.pointer_tokens
    values: list[Tensor] = []
    layouts: list[_Layout] = []
    for memory in memories:
        own = []
        for page in memory.pages:
            if page.entry.tokens is None:
                raise ValueError(f"The memory page of frame {page.entry.frame} has no tokens to attend.")
            cells = None if page.entry.cells is None else page.entry.cells.to(device)
            own.append(placed(len(page.entry.tokens), grid, page.pool, cells))
            values.append(unpacked(page.entry.tokens).to(device, dtype))
        if memory.pointers:
            pointers = torch.stack([pointer.entry.object_pointer for pointer in memory.pointers])
            values.append(pointers.to(device, dtype).reshape(-1, sizes.mem_dim))
        layouts.append(_Layout(tuple(own), len(memory.pointers)))
    entries: Lengths = tuple((*(p.tokens for p in each.pages), *(parts,) * each.pointers) for each in layouts)
    keys: Lengths | None = None
    if any(page.pool > 1 for each in layouts for page in each.pages):
        keys = tuple((*(p.attended for p in each.pages), *(parts,) * each.pointers) for each in layouts)
    scales, biases = [], []
    for memory, each in zip(memories, layouts, strict=True):
        scales += [page.key_scale for page in memory.pages] + [pointer.key_scale for pointer in memory.pointers]
        # A square of tokens attended as one counts as many as it stands for.
        biases += [p.key_bias + 2 * math.log(lies.pool) for p, lies in zip(memory.pages, each.pages, strict=True)]
        biases += [0.0] * each.pointers
    strides = tuple(sorted({page.stride for each in layouts for page in each.pages})) or (1,)
    tokens = Tokens(
        torch.cat(values),
        entries,
        _cells(layouts, strides, grid, parts, device),
        _codes(model, memories, device, dtype),
        scale=_each(scales, entries, 1.0, device),
        bias=_each(biases, keys or entries, 0.0, device),
        keys=keys,
    )
    places = _places(sizes.d_model, sizes.mem_dim, grid, strides, device, dtype)
    pages = tuple(each.pages for each in layouts)
    return Gathered(tokens, places, pages, None if keys is None else partial(_pooled, entries, pages, grid))


class _Layout(NamedTuple):
    """How one memory lies."""

    pages: tuple[Placement, ...]
    pointers: int


def _each(numbers: list[float], lengths: Lengths, neutral: float, device: torch.device) -> Tensor | None:
    """(T,) the number of each entry for each of its tokens; None where it would change nothing."""
    if all(number == neutral for number in numbers):
        return None
    return torch.tensor(numbers, dtype=torch.float32, device=device)[entry_rows(lengths, device)]


def _codes(model: Sam2, memories: Sequence[Memory], device: torch.device, dtype: torch.dtype) -> Tensor:
    """(E, Cm) what tells how old an entry is: the temporal code of a page's slot, of a pointer the code of its age."""
    slots = [page.slot for memory in memories for page in memory.pages]
    ages = [p.position / memory.pointer_span for memory in memories for p in memory.pointers]
    codes = model.maskmem_tpos_enc[torch.tensor(slots, dtype=torch.long, device=device), 0, 0].to(dtype)
    told = codes.new_zeros(len(ages), codes.shape[1])
    if model.obj_ptr_tpos_proj is not None and ages:
        spans = torch.tensor(ages, dtype=torch.float32, device=device)
        told = model.obj_ptr_tpos_proj(time_code(spans, model.sizes.d_model).to(dtype))
    parts, page, pointer = [], 0, 0
    for memory in memories:
        parts += [codes[page : page + len(memory.pages)], told[pointer : pointer + len(memory.pointers)]]
        page, pointer = page + len(memory.pages), pointer + len(memory.pointers)
    return torch.cat(parts)


def _cells(
    layouts: Sequence[_Layout], strides: tuple[int, ...], grid: Grid, parts: int, device: torch.device
) -> Tensor:
    """(T,) int32 the row of `_places` of each token."""
    if all(page.cells is None for each in layouts for page in each.pages):
        plain = tuple((tuple((page.tokens, page.stride) for page in each.pages), each.pointers) for each in layouts)
        return _whole_pages(plain, strides, grid, parts, device)
    found = []
    for each in layouts:
        for page in each.pages:
            if page.cells is None:
                found.append(_whole_pages(((((page.tokens, page.stride),), 0),), strides, grid, parts, device))
            else:
                found.append(page.cells.int() + _offsets(strides, grid)[strides.index(1)])
        found.append(_whole_pages((((), each.pointers),), strides, grid, parts, device))
    return torch.cat(found)


def _offsets(strides: tuple[int, ...], grid: Grid) -> list[int]:
    """The first row of each stride in `_places`, and behind them the one of what lies nowhere."""
    sizes = [grid[0] // stride * (grid[1] // stride) for stride in strides]
    return [sum(sizes[:number]) for number in range(len(sizes) + 1)]


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def _whole_pages(
    layouts: tuple[tuple[tuple[tuple[int, int], ...], int], ...],
    strides: tuple[int, ...],
    grid: Grid,
    parts: int,
    device: torch.device,
) -> Tensor:
    """(T,) int32 for pages of (tokens, stride) that are grids, row by row, and so many pointers of each memory."""
    offsets, found = _offsets(strides, grid), [torch.zeros(0, dtype=torch.int32)]
    for pages, pointers in layouts:
        for tokens, stride in pages:
            found.append(torch.arange(tokens, dtype=torch.int32) + offsets[strides.index(stride)])
        found.append(torch.full((pointers * parts,), offsets[-1], dtype=torch.int32))
    return torch.cat(found).to(device)


@lru_cache(maxsize=16)
@torch.inference_mode(False)
def _places(
    width: int, narrow: int, grid: Grid, strides: tuple[int, ...], device: torch.device, dtype: torch.dtype
) -> Places:
    """The grids of each stride, row by row, one behind the other, and the place of what lies nowhere."""
    code = torch.cat([sine_map(narrow, *grid, device, stride).flatten(1).T for stride in strides])
    cosine, sine = (torch.cat([axial_rotation(width, *grid, device, s)[part] for s in strides]) for part in (0, 1))
    return with_nowhere(code.to(dtype), cosine, sine)


def _pooled(entries: Lengths, pages: tuple[tuple[Placement, ...], ...], grid: Grid, x: Tensor) -> Tensor:
    """(T, ...) -> (T', ...)"""
    parts = x.split([sum(own) for own in entries])
    return torch.cat([pooled(part[None], grid, own)[0] for part, own in zip(parts, pages, strict=True)])
