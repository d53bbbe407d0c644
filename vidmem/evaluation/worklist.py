"""What is to be done, what is done already, and in which order: the longest video first, so that none is left alone
at the end."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Literal

from vidmem.errors import InputError, UsageError
from vidmem.evaluation.plan import FILE, Plan
from vidmem.evaluation.record import Record, name_of
from vidmem.evaluation.store import Store
from vidmem.videos import Dataset

Mode = Literal["new", "resume", "overwrite"]
OURS = ("records", "report.json", "report.html", "report.md", FILE)  # what an evaluation writes, beside results/


def begin(store: Store, plan: Plan, mode: Mode) -> None:
    """Make a store ready for a plan. What is in it stays with "resume", goes with "overwrite", is refused with "new".

    Raises InputError for a store that cannot be used so, UsageError for another plan than that to go on with.
    """
    is_begun = store.has(FILE)
    if mode == "resume":
        if not is_begun:
            raise InputError(f"{store.place} holds no evaluation to go on with. Leave out --resume.")
        plan.must_go_on(Plan.from_json(store.read(FILE), f"{store.place}/{FILE}"), store.place)
    elif mode == "new" and (is_begun or store.files()):
        raise InputError(
            f"{store.place} is not empty. Add --resume to go on with the evaluation in it, --overwrite to replace it, "
            "or choose another --out."
        )
    if is_begun and mode == "overwrite":
        _clear(store)
    store.write(FILE, plan.to_json())


def begin_scoring(store: Store, plan: Plan, is_in_place: bool) -> None:
    """Make a store ready for the scores of results made elsewhere; earlier scores in it go.

    is_in_place: whether it is the folder of results itself. Raises InputError for a store that holds other things.
    """
    if store.has(FILE):
        if Plan.from_json(store.read(FILE), f"{store.place}/{FILE}").tracks:
            raise InputError(
                f"{store.place} holds an evaluation, whose scores are in its report.json. To score its results again, "
                "name another --out."
            )
        _clear(store)
    elif not is_in_place and store.files():
        raise InputError(
            f"{store.place} is not empty, and nothing in it was written by a scoring. Choose another --out."
        )
    store.write(FILE, plan.to_json())


def _clear(store: Store) -> None:
    """Takes away what an evaluation wrote, and nothing else."""
    try:
        has_results = Plan.from_json(store.read(FILE), FILE).tracks
    except InputError:  # of another version
        has_results = False
    for name in (*(("results",) if has_results else ()), *OURS):
        store.remove(name)


def choose(dataset: Dataset, wanted: Sequence[str]) -> list[str]:
    """The videos that are wanted, in the data set's order; all of them when none is named.

    Raises UsageError for one the data set does not have, with those that are like it.
    """
    known = dataset.names()
    for name in wanted:
        if name not in known:
            near = get_close_matches(name, known, n=3, cutoff=0.5)
            hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            of = f", split {dataset.split}," if dataset.split else ""
            raise UsageError(
                f"--sequences: {dataset.root.title}{of} has no video {name!r}.{hint} It has {len(known)} videos, from "
                f"{known[0]!r} to {known[-1]!r}."
            )
    return [name for name in known if name in wanted] if wanted else known


def todo(dataset: Dataset, names: Sequence[str], store: Store) -> dict[str, int]:
    """The frames of those without a good record, the longest video first.

    A record of a failure is taken away, so that the video is tried again.
    """
    kept = store.files("records")
    left = {}
    for name in names:
        file = name_of(name)
        if file.removeprefix("records/") in kept:
            if not Record.from_json(store.read(file), f"{store.place}/{file}").problem:
                continue
            store.remove(file)
        left[name] = _length(dataset, name)
    return dict(sorted(left.items(), key=lambda item: -item[1]))  # sorted is stable: ties keep the data set's order


def _length(dataset: Dataset, name: str) -> int:
    """Frames. A video that is broken fails when its turn comes, not here."""
    try:
        return len(dataset.layout.video(name))
    except InputError:
        return 0
