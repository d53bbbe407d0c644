"""Names, and where the things they name live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from vidmem.errors import UnknownName

T = TypeVar("T")


class Catalog(Generic[T]):
    """A table of names. Nothing is imported until it is asked for, so a table costs nothing to read.

    Other packages add to it with an entry point in `group`; their line has the very form of ours.
    """

    def __init__(self, kind: str, group: str, table: dict[str, str]):
        self.kind, self.group, self._table = kind, group, table

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._table, *(e.name for e in entry_points(group=self.group))}))

    def __getitem__(self, name: str) -> Callable[..., T]:
        place = self._table.get(name) or next((e.value for e in entry_points(group=self.group, name=name)), None)
        if place is None:
            near = get_close_matches(name, list(self), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UnknownName(
                f"No {self.kind} is named {name!r}.{hint} Known: {', '.join(self)}. "
                f"A new one needs a line in the table of {self.group}, or an entry point in that group."
            )
        module, _, attribute = place.partition(":")
        return getattr(import_module(module), attribute)
