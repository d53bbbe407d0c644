"""Pictures that are in memory already, or come from the caller's own iterator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidmem.errors import InputError
from vidmem.frames.folder import NOMINAL_RATE
from vidmem.frames.order import one_way, ordered, passing, past_the_end
from vidmem.frames.pictures import from_anything
from vidmem.values import Frame


def from_array(pixels: np.ndarray | Tensor) -> Pictures:
    """An array or tensor (T, H, W, 3) or (T, 3, H, W) uint8 as a source. Frames share its memory."""
    shape, dtype = tuple(pixels.shape), pixels.dtype
    if len(shape) != 4 or 3 not in (shape[1], shape[3]) or dtype not in (np.uint8, torch.uint8):
        raise InputError(
            f"The array is {shape} {dtype}. A video is (T, H, W, 3) or (T, 3, H, W) uint8 RGB: multiply values 0..1 by "
            "255 and convert to uint8; give a single picture as array[None]."
        )
    return Pictures(pixels, "the array")


class Pictures:
    """A sequence of pictures, which can be read again and backwards."""

    seekable = True
    rate = None
    skipped = 0

    def __init__(self, items: Sequence[Any] | np.ndarray | Tensor, name: str):
        self.name, self.promised = name, len(items)
        self._items = items
        self.size = _as_frame(items[0], 0).size if len(items) else None

    def __iter__(self) -> Iterator[Frame]:
        return self._forward(0, None, 1)

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        if start > self.promised or (step < 0 and start == self.promised):
            raise past_the_end(self.name, self.promised, start)
        return ordered(self._forward, start, stop, step, self.size)

    def close(self) -> None:
        """The pictures belong to the caller."""

    def _forward(self, start: int, stop: int | None, step: int) -> Iterator[Frame]:
        for number in range(self.promised)[start:stop:step]:
            yield _of_size(_as_frame(self._items[number], number), self.size)


class Once:
    """An iterator's pictures, which pass by once. Another iterable may be read again, but not backwards."""

    promised = None
    rate = None
    seekable = False
    skipped = 0

    def __init__(self, items: Iterable[Any]):
        self.name = f"the {type(items).__name__}"
        self.size: tuple[int, int] | None = None
        self._items, self._is_used = items, False

    def __iter__(self) -> Iterator[Frame]:
        return self.between()

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        one_way(self.name, start, step)
        return self._forward(start, stop, step)

    def close(self) -> None:
        close = getattr(self._items, "close", None)
        if isinstance(self._items, Iterator) and close is not None:
            close()

    def _forward(self, start: int, stop: int | None, step: int) -> Iterator[Frame]:
        if stop is not None and stop <= start:
            return
        if isinstance(self._items, Iterator):
            if self._is_used:
                raise InputError(
                    f"{self.name} was read already and cannot start again. Give a list, or a new iterator."
                )
            self._is_used = True
        for number, item in passing(self._items, self.name, start, stop, step):
            frame = _of_size(_as_frame(item, number), self.size)
            self.size = frame.size
            yield frame


def _as_frame(item: Any, number: int) -> Frame:
    if isinstance(item, Frame):
        return replace(item, index=number)
    return Frame(number, from_anything(item, f"Picture {number}"), number / NOMINAL_RATE)


def _of_size(frame: Frame, size: tuple[int, int] | None) -> Frame:
    if size is not None and frame.size != size:
        raise InputError(
            f"Picture {frame.index} is {frame.size[1]}x{frame.size[0]}, those before it {size[1]}x{size[0]}. "
            "A stream has one size: resize them first."
        )
    return frame
