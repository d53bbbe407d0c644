"""Several trackers over one data set: each an evaluation of its own, in a folder of its name; one report over all."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from vidmem.errors import UsageError
from vidmem.evaluation.answering import parts_of
from vidmem.evaluation.plan import FILE, Plan
from vidmem.evaluation.report.rivals import rivals_markdown, rivals_page
from vidmem.evaluation.run import Moment, evaluate
from vidmem.evaluation.store import open_store
from vidmem.evaluation.worklist import Mode

SHARED = ("metrics", "sequences", "failures", "facts")  # of each tracker's report, what the common one holds too


def evaluate_rivals(
    plan: Plan,
    trackers: Sequence[str],
    out: str,
    *,
    mode: Mode = "new",
    watcher: Callable[[str, Moment], None] | None = None,
    **options: Any,
) -> dict[str, dict[str, Any]]:
    """Do what a plan asks with each tracker in turn; the report of each, by its name.

    trackers: cards; the first is what the others are compared with. watcher: called with the tracker and each moment.
    options: engine, workers, device, address, as `evaluate` takes them. Each tracker's files lie in OUT/TRACKER, the
    common report.json, .html and .md in OUT. Raises as `evaluate` does, UsageError for a tracker named twice or by a
    path that ends in the name of another, and for a folder that holds the evaluation of a single tracker.
    """
    named = {_name(each): each for each in trackers}
    if len(named) < len(trackers):
        raise UsageError(f"Trackers to compare need different names; got {', '.join(map(_name, trackers))}.")
    store = open_store(out)
    if store.has(FILE):
        raise UsageError(f"{out} holds the evaluation of one tracker. Name another --out to compare several.")
    for card in trackers:  # before the first is worked off
        parts_of(replace(plan, tracker=card))
    begun = {name for name in named if store.has(f"{name}/{FILE}")} if mode == "resume" else set()
    reports: dict[str, dict[str, Any]] = {}
    for name, card in named.items():

        def tell(moment: Moment, name: str = name) -> None:
            if watcher:
                watcher(name, moment)

        reports[name] = evaluate(
            replace(plan, tracker=card),
            f"{out.rstrip('/')}/{name}",
            mode="resume" if name in begun else "overwrite" if mode == "overwrite" else "new",
            watcher=tell,
            **options,
        )
    whole = {"trackers": {name: {part: report[part] for part in SHARED} for name, report in reports.items()}}
    store.write("report.html", rivals_page(reports).encode())
    store.write("report.md", rivals_markdown(reports).encode())
    store.write("report.json", json.dumps(whole, indent=1, allow_nan=False).encode())
    return reports


def _name(card: str) -> str:
    """What a tracker is called: its card's name, without path and ending."""
    return card.rstrip("/").rpartition("/")[2].removesuffix(".toml")
