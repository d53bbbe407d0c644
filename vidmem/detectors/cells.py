"""Which cells of a map a pixel memory is given: a few within each box that is sure enough.

MAMBA (Sun et al., AAAI 2021), section 4: at most K = 100 random pixels within each detected box. The threshold, the
bound for a frame and what is written where nothing is detected are those of the same group's EOVOD, mpn.py.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vidmem.detectors.architecture import Architecture


def written_cells(of: Architecture, cells: Tensor, boxes: Tensor, scores: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """cells (C, h, w), boxes (D, 4) in pixels of the scaled picture, scores (D,)   ->   (N, C), and a worth for each.

    A cell is within a box if its centre is; a box between all centres gives the cell its own centre lies in. The worth
    is the score of the box.
    """
    _, height, width = cells.shape
    rows = cells.flatten(1).T
    chance = torch.Generator().manual_seed(seed)
    chosen: list[Tensor] = []
    worth: list[Tensor] = []
    for box, score in zip(boxes.tolist(), scores.tolist(), strict=True):
        if score < of.pixel_score:
            continue
        inside = cells_of(box, height, width, of.stride)
        inside = inside[torch.randperm(len(inside), generator=chance)[: of.pixels_per_box]]
        chosen.append(inside)
        worth.append(torch.full((len(inside),), score))
    if not chosen:
        most = rows.norm(dim=1).topk(min(of.pixels_without_boxes, len(rows))).indices
        return rows[most], rows.new_zeros(len(most))
    places = torch.cat(chosen)[: of.pixels_per_frame].to(rows.device)
    return rows[places], torch.cat(worth)[: of.pixels_per_frame].to(rows.device)


def cells_of(box: list[float], height: int, width: int, stride: int) -> Tensor:
    """The numbers of the cells of a map (h, w), row by row, whose centres lie in a box x0 y0 x1 y1; one at least."""
    x0, y0, x1, y1 = (edge / stride for edge in box)
    columns = torch.arange(width)
    lines = torch.arange(height)
    columns = columns[(columns + 0.5 >= x0) & (columns + 0.5 <= x1)]
    lines = lines[(lines + 0.5 >= y0) & (lines + 0.5 <= y1)]
    if not len(columns):
        columns = torch.tensor([min(max(int((x0 + x1) / 2), 0), width - 1)])
    if not len(lines):
        lines = torch.tensor([min(max(int((y0 + y1) / 2), 0), height - 1)])
    return (lines[:, None] * width + columns[None]).flatten()
