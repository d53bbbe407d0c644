"""Where a token is, as numbers: sine maps, axial rotations, and the code of elapsed time.

All are constants of the grid, so each is made once per size and device and then shared. `stride` above 1 gives the
positions of a pooled grid: one token at the centre of each stride x stride cells.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor


def _centres(cells: int, stride: int, device: torch.device) -> Tensor:
    """(cells // stride,) where the tokens of one axis lie, counted in cells from 0."""
    return torch.arange(cells // stride, device=device, dtype=torch.float32) * stride + (stride - 1) / 2


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def _frequencies(count: int, device: torch.device) -> Tensor:
    """(count,) 10000^(2 floor(i/2) / count): each frequency serves two neighbours, a sine and a cosine."""
    pair = torch.arange(count, device=device, dtype=torch.float32).div(2, rounding_mode="floor")
    return 10000.0 ** (2 * pair / count)


# Made outside inference mode, so that a table first asked for while tracking may still be trained through later.
@lru_cache(maxsize=64)
@torch.inference_mode(False)
def sine_map(channels: int, height: int, width: int, device: torch.device, stride: int = 1) -> Tensor:
    """(channels, height // stride, width // stride) the sine code of a grid: first half rows, second half columns.

    Coordinates run from 1 to the number of cells and are scaled to 2 pi, so a larger picture is not a longer code.
    """
    frequencies = _frequencies(channels // 2, device)

    def axis(cells: int) -> Tensor:
        angle = (_centres(cells, stride, device) + 1) / (cells + 1e-6) * (2 * math.pi)
        phases = angle[:, None] / frequencies
        return torch.stack((phases[:, 0::2].sin(), phases[:, 1::2].cos()), dim=2).flatten(1)  # (cells, channels / 2)

    rows, columns = axis(height), axis(width)
    rows = rows[:, None].expand(-1, len(columns), -1)
    columns = columns[None].expand(len(rows), -1, -1)
    return torch.cat((rows, columns), dim=2).permute(2, 0, 1).contiguous()


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def axial_rotation(
    channels: int, height: int, width: int, device: torch.device, stride: int = 1, theta: float = 10000.0
) -> tuple[Tensor, Tensor]:
    """Cosines and sines (N, channels / 2) by which neighbouring channel pairs turn: first by column, then by row.

    Axial rotary position (Heo et al. 2024) for N tokens, row by row.
    """
    frequencies = theta ** -(torch.arange(0, channels, 4, device=device, dtype=torch.float32) / channels)
    rows, columns = _centres(height, stride, device), _centres(width, stride, device)
    by_column = columns[None, :, None] * frequencies
    by_row = rows[:, None, None] * frequencies
    shape = (len(rows), len(columns), -1)
    angles = torch.cat((by_column.expand(*shape), by_row.expand(*shape)), dim=2).flatten(0, 1)
    return angles.cos(), angles.sin()


def rotate(tokens: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Turn each neighbouring pair of channels, in float32.     tokens (..., N, C)   rotation (N, C / 2) twice"""
    cosine, sine = rotation
    first, second = tokens.float().unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack((first * cosine - second * sine, first * sine + second * cosine), dim=-1)
    return turned.flatten(-2).type_as(tokens)


def time_code(positions: Tensor, channels: int) -> Tensor:
    """(..., channels) the sine code of signed times: all sines, then all cosines.     positions (...)"""
    phases = positions[..., None] / _frequencies(channels // 2, positions.device)
    return torch.cat((phases.sin(), phases.cos()), dim=-1)
