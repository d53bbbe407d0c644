"""What readers share whose decoder hands out any frame by its number (decord, torchcodec)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from vidmem.errors import DamagedSource
from vidmem.frames import OnDamage
from vidmem.frames.header import Header, reason_of
from vidmem.frames.order import past_the_end
from vidmem.frames.timetable import Timetable
from vidmem.values import Frame

if TYPE_CHECKING:
    from torch import Tensor


class Indexed:
    """The frames of one opened file, by number, with what becomes of damage."""

    def __init__(
        self,
        header: Header,
        table: Timetable | None,
        count: int,
        fetch: Callable[[int], tuple[Tensor, float]],
        broken: tuple[type[Exception], ...],
        on_damage: OnDamage,
    ):
        """fetch: frame number -> picture (3, H, W) and time in seconds; raises one of `broken` for a damaged frame."""
        self.count, self.lost = count, 0
        self._header, self._table, self._fetch = header, table, fetch
        self._broken, self._on_damage = broken, on_damage

    def forward(self, start: int, stop: int | None, step: int) -> Iterator[Frame]:
        """The frames range(start, stop, step)."""
        if start > self.count:
            raise past_the_end(self._header.path, self.count, start)
        self.lost, number = 0, start
        end = self.count if stop is None else min(stop, self.count)
        while number < end:
            try:
                image, time = self._fetch(number)
            except self._broken as error:
                self._damage(number, reason_of(error))
                restart = self._table.restart_after(number) if self._table else None
                behind = self.count if restart is None else start - (start - restart) // step * step
                self.lost += min(behind, end) - number
                number = behind
                continue
            yield Frame(number, image, time, f"{number:05d}")
            number += step
        if number >= self.count and self._header.cut_short:
            self._damage(self.count, self._header.cut_short)
            self.lost += max(0, (self._header.promised or 0) - self.count)

    def _damage(self, read: int, reason: str) -> None:
        if self._on_damage == "stop":
            raise DamagedSource(self._header.path, read, self._header.promised, reason)
