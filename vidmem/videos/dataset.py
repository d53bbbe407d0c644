"""A data set: its card, the folder it lies in, and its videos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidmem import cards
from vidmem.errors import UsageError
from vidmem.videos.root import Root

if TYPE_CHECKING:
    from vidmem.videos import Layout
    from vidmem.videos.video import Video

WORDS = ("title", "about", "paper", "licence", "address", "protocol", "layout", "split", "splits", "published", "tree")
NEEDED = ("title", "paper", "licence", "address", "protocol", "layout", "tree")


@dataclass(frozen=True, eq=False)
class Dataset:
    """One split of a data set, as it lies below a folder."""

    name: str  # of the card
    card: Mapping[str, Any]
    root: Root
    split: str  # "" where the data set has none
    layout: Layout
    server: str = ""  # who scores results, where the truth of this split is not public

    @property
    def protocol(self) -> str:
        """The name of how results are scored: an entry of vidmem.metrics.protocols."""
        return self.card["protocol"]

    @property
    def published(self) -> tuple[Mapping[str, Any], ...]:
        """Reference results: tracker, model, metric, value, source and, where it is another than the card's, split."""
        return tuple(self.card.get("published", ()))

    def names(self) -> list[str]:
        """Every video of the split."""
        return self.layout.names()

    def video(self, name: str) -> Video:
        """The video of that name. Raises UsageError for one that is not of this split, InputError for a broken one."""
        names = self.names()
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            split = f", split {self.split}," if self.split else ""
            raise UsageError(f"{self.root.title}{split} has no video {name!r}.{hint} It has {len(names)} videos.")
        return self.layout.video(name)

    def __len__(self) -> int:
        return len(self.names())

    def __iter__(self) -> Iterator[Video]:
        for name in self.names():
            yield self.layout.video(name)


def open_dataset(card: str, root: str | Path, split: str | None = None) -> Dataset:
    """The data set of a card (a name of datasets/, or a path to a .toml file) that lies below the folder `root`.

    split: one of the card's; its own choice when left out. Raises UsageError for a name, a split or an option that is
    not known, InputError, with the tree that is expected, for a folder that is missing.
    """
    from vidmem.videos import layouts

    read = read_card(card)
    place = Root(Path(root).expanduser(), read["title"], read["address"], read["tree"])
    if not place.path.is_dir():
        raise place.broken(place.path, "is no folder")
    chosen, of_split = _split(card, read, split)
    options = {**read["layout"], **of_split}
    name, server = options.pop("name"), options.pop("server", "")
    kind: Any = layouts[name]
    _refuse_unknown(f"The layout {name!r}", options, _options_of(kind) or list(options))
    try:
        layout = kind(place, **options)
    except TypeError as problem:
        raise UsageError(f"The layout {name!r} cannot be made with {options}: {problem}") from problem
    return Dataset(Path(card).stem, read, place, chosen, layout, server)


def read_card(name: str) -> dict[str, Any]:
    """A data set's card, checked; its layout as {"name": ..., options}."""
    where = f"The card {name!r}"
    try:
        card = cards.read("datasets", name)
    except ValueError as error:
        raise UsageError(f"{where} is no TOML ({error}).") from error
    _refuse_unknown(where, card, WORDS)
    lacking = [word for word in NEEDED if word not in card]
    if lacking:
        raise UsageError(f"{where} does not say {', '.join(lacking)}. See datasets/davis17.toml.")
    if isinstance(card["layout"], str):
        card["layout"] = {"name": card["layout"]}
    return card


def _options_of(kind: Any) -> list[str]:
    """What a layout may be given beside its root, where it is a dataclass."""
    return [each.name for each in fields(kind) if each.name != "root"] if is_dataclass(kind) else []


def _split(name: str, card: Mapping[str, Any], split: str | None) -> tuple[str, Mapping[str, Any]]:
    splits = card.get("splits", {})
    chosen = split or card.get("split", "")
    if chosen and chosen not in splits:
        near = get_close_matches(chosen, list(splits), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        known = ", ".join(splits) or "none"
        raise UsageError(f"The card {name!r} has no split {chosen!r}.{hint} Known: {known}.")
    return chosen, splits.get(chosen, {})


def _refuse_unknown(where: str, given: Mapping[str, Any], known: tuple[str, ...] | list[str]) -> None:
    for word in given:
        if word not in known:
            near = get_close_matches(word, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"{where} has no entry {word!r}.{hint} Known: {', '.join(known) or 'none'}.")
