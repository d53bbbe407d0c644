"""What a browser sent, read field by field. Whatever does not fit is refused in one line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from vidmem.errors import InputError
from vidmem.ui.desk import Desk

Asked = Mapping[str, Any]


def frame_of(desk: Desk, asked: Asked) -> int:
    frame = whole(asked, "frame", 0, 10**9) if "frame" in asked else desk.frame
    if frame >= desk.clip.frames:
        raise InputError(f"{desk.clip.name} has no frame {frame}: it ends with frame {desk.clip.frames - 1}.")
    return frame


def line_of(desk: Desk, asked: Asked) -> np.ndarray:
    """(P, 2) points of a line in the picture."""
    line = asked.get("line")
    whole = isinstance(line, list) and 1 <= len(line) <= 5000
    if not whole or not all(isinstance(each, list) and len(each) == 2 for each in line or ()):
        raise InputError("That line has no points. Draw it on the picture.")
    return np.array([point_of(desk, x, y) for x, y in line or ()])


def point_of(desk: Desk, x: Any, y: Any) -> list[float]:
    height, width = desk.clip.size
    x, y = number({"x": x}, "x"), number({"y": y}, "y")
    if not (0 <= x < width and 0 <= y < height):
        raise InputError(f"The point {x:.0f}, {y:.0f} lies outside the picture, which is {width} x {height}.")
    return [x, y]


def number(asked: Asked, name: str) -> float:
    value = asked.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InputError(f"{name} must be a number.")
    return float(value)


def whole(asked: Asked, name: str, least: int, most: int) -> int:
    value = number(asked, name)
    if value != int(value) or not least <= value <= most:
        raise InputError(f"{name} must be a whole number from {least} to {most}.")
    return int(value)


def uploaded(desk: Desk, asked: Asked) -> Any:
    """The file that was uploaded for this very call; page.py has moved it into the desk's folder."""
    path = asked.get("file")
    if path is None:
        raise InputError("No file came with that. Choose one first.")
    return path
