"""Boxes and flags from text files with one line, or one number, a frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vidmem.videos.root import Root


def read_rows(root: Root, path: Path, widths: Sequence[int]) -> np.ndarray:
    """(N, numbers a line) float64; numbers are parted by commas, tabs or blanks, and may be NaN.

    widths: how many a line may have; the first line decides. Raises BrokenDataset that names the line.
    """
    rows: list[list[float]] = []
    for number, line in root.lines(path):
        parts = line.replace(",", " ").split()
        wanted = [len(rows[0])] if rows else list(widths)
        if len(parts) not in wanted:
            raise root.broken(path, f"has {len(parts)} entries in line {number}, not {' or '.join(map(str, wanted))}")
        try:
            rows.append([float(part) for part in parts])
        except ValueError:
            raise root.broken(path, f"has {line!r} in line {number}, which is not numbers alone") from None
    if not rows:
        raise root.broken(path, "is empty")
    return np.array(rows, np.float64)


def read_flags(root: Root, path: Path, count: int) -> np.ndarray:
    """(count,) int64, one number a frame: on lines of their own, or all on one. Raises BrokenDataset."""
    text = root.text(path).replace(",", " ").split()
    try:
        flags = np.array([int(float(each)) for each in text], np.int64)
    except ValueError:
        raise root.broken(path, "holds something that is no number") from None
    if len(flags) != count:
        raise root.broken(path, f"has {len(flags)} flags for {count} frames")
    return flags


def as_corners(rows: np.ndarray) -> np.ndarray:
    """x y w h -> x0 y0 x1 y1.     rows (N, 4)"""
    return np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:]], 1)


def around(polygons: np.ndarray) -> np.ndarray:
    """(N, 4) x0 y0 x1 y1 of the upright boxes around polygons.     polygons (N, 2 * corners) x y x y ..."""
    corners = polygons.reshape(len(polygons), -1, 2)
    return np.concatenate([corners.min(1), corners.max(1)], 1)


def unknown(rows: np.ndarray) -> np.ndarray:
    """(N,) bool: which lines say NaN.     rows (N, numbers a line)"""
    return np.asarray(np.isnan(rows).any(1))


def must_match(root: Root, path: Path, rows: int, frames: int) -> None:
    """Raises BrokenDataset where a file has not one line a frame."""
    if rows != frames:
        raise root.broken(path, f"has {rows} lines for {frames} frames")
