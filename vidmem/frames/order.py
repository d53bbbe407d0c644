"""The orders in which frames are asked for: every N-th, and backwards in bounded memory.

A reader only knows how to go forward from a frame; going backwards is going forward over a short stretch, again and
again, and handing each stretch out turned round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from vidmem.errors import InputError, UsageError

if TYPE_CHECKING:
    from vidmem.values import Frame

T = TypeVar("T")

Forward = Callable[[int, int | None, int], Iterator["Frame"]]
"""Frames numbered range(start, stop, step) with step > 0, each with its number as index."""

STRETCH_BYTES = 256 << 20  # most that one stretch of pictures may take when going backwards


def ordered(
    forward: Forward, start: int, stop: int | None, step: int, size: tuple[int, int] | None = None
) -> Iterator[Frame]:
    """The frames range(start, stop, step), also for a negative step. size (H, W) sets how long a stretch may be."""
    check_range(start, step)
    if step > 0:
        return forward(start, stop, step)
    return _backwards(forward, start, stop, -step, _stretch(size))


def check_range(start: int, step: int) -> None:
    """Raises UsageError for a range that no source has."""
    if step == 0:
        raise UsageError("A step of 0 frames never ends: use 1 for forwards, -1 for backwards.")
    if start < 0:
        raise UsageError(f"Frames are counted from 0: {start} is before the first one.")


def one_way(name: str, start: int, step: int) -> None:
    """Raises InputError when a source that cannot go back is asked to."""
    check_range(start, step)
    if step < 0:
        raise InputError(
            f"{name} cannot be read backwards: its frames are gone once they were seen. Record it to a file first."
        )


def passing(
    items: Iterable[T], name: str, start: int = 0, stop: int | None = None, step: int = 1
) -> Iterator[tuple[int, T]]:
    """Those numbered range(start, stop, step) of items that pass by once, each with its number; the others are let go.

    What comes behind `stop` is left to the caller. Raises InputError when the items end before `start`.
    """
    if stop is not None and stop <= start:
        return
    number = -1
    for number, item in enumerate(items):
        if number >= start and (number - start) % step == 0:
            yield number, item
        if stop is not None and number + 1 >= stop:
            return
    if number + 1 < start:
        raise past_the_end(name, number + 1, start)


def past_the_end(name: str, count: int, start: int) -> InputError:
    """For a range that begins behind the last frame."""
    last = f"the last is frame {count - 1}" if count else "none could be read"
    return InputError(f"{name} has no frame {start}: it has {count} frames, {last}.")


def _stretch(size: tuple[int, int] | None) -> int:
    return max(4, min(64, STRETCH_BYTES // (3 * size[0] * size[1]))) if size and all(size) else 16


def _backwards(forward: Forward, start: int, stop: int | None, stride: int, stretch: int) -> Iterator[Frame]:
    lowest = 0 if stop is None or stop < 0 else stop + 1
    numbers = range(start, lowest - 1, -stride)
    for at in range(0, len(numbers), stretch):
        part = numbers[at : at + stretch]
        frames = list(forward(part[-1], part[0] + 1, stride))
        while frames:  # let each go as it is handed out
            yield frames.pop()
