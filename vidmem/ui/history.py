"""Undo and redo over any value: what was before, what is, what was taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from vidmem.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class History(Generic[T]):
    """A value with its past. Each step has the name of what was done."""

    present: T
    past: tuple[tuple[str, T], ...] = ()  # oldest first: what was done, and the value before it
    future: tuple[tuple[str, T], ...] = ()  # nearest last: what was taken back, and the value behind it

    def did(self, what: str, present: T) -> History[T]:
        """A new step. What was taken back before is forgotten."""
        return History(present, (*self.past, (what, self.present)))

    def undo(self) -> History[T]:
        """Raises InputError when there is nothing to take back."""
        if not self.past:
            raise InputError("There is nothing to undo.")
        what, before = self.past[-1]
        return History(before, self.past[:-1], (*self.future, (what, self.present)))

    def redo(self) -> History[T]:
        """Raises InputError when nothing was taken back."""
        if not self.future:
            raise InputError("There is nothing to redo.")
        what, behind = self.future[-1]
        return History(behind, (*self.past, (what, self.present)), self.future[:-1])

    def bounded(self, steps: int, size: Callable[[T], int], most: int, thin: Callable[[T], T]) -> History[T]:
        """With at most so many steps. While they weigh more than `most`, the older half is thinned, then the oldest
        are dropped."""
        past = self.past[-steps:]
        if sum(size(value) for _, value in past) > most:
            past = tuple((what, thin(value)) for what, value in past[:-2]) + past[-2:]
        while past and sum(size(value) for _, value in past) > most:
            past = past[1:]
        return replace(self, past=past)

    @property
    def undoes(self) -> str | None:
        """What undo would take back."""
        return self.past[-1][0] if self.past else None

    @property
    def redoes(self) -> str | None:
        return self.future[-1][0] if self.future else None
