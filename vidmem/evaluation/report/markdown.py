"""report.md: the numbers as tables, to be pasted into an issue or a paper's notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vidmem.evaluation.report.wording import (
    Compared,
    compared,
    facts_in_words,
    failed,
    headline,
    percent,
    ranked,
    reservations,
    signed,
)


def to_markdown(report: Mapping[str, Any]) -> str:
    """The whole report.md."""
    facts, metrics = report["facts"], report["metrics"]
    parts = [f"# {headline(facts)}", *(f"> {each}" for each in (*failed(report), *reservations(report)))]
    if metrics:
        parts.append(grid(("metric", "value"), [(name, percent(value)) for name, value in metrics.items()]))
    if rows := compared(report):
        parts.append("## Beside published numbers")
        head = ("metric", "tracker", "model", "published", "ours", "difference", "source")
        parts.append(grid(head, [_published(each) for each in rows]))
    if report["failures"]:
        parts.append("## Failures")
        parts.append(grid(("video", "reason"), list(report["failures"].items())))
    if report["classes"]:
        names = list(metrics)
        rows = [(name, *(percent(said.get(each)) for each in names)) for name, said in report["classes"].items()]
        parts += ["## Classes", grid(("class", *names), rows)]
    if report["sequences"]:
        parts.append("## Sequences, the worst first")
        names = list(metrics)
        head = ("sequence", *names, "objects", "frames", "fps")
        parts.append(grid(head, [_sequence(report, name, names) for name in ranked(report)]))
    parts.append("## Facts")
    parts.append(grid(("", ""), facts_in_words(report)))
    return "\n\n".join(parts) + "\n"


def _published(row: Compared) -> tuple[str, ...]:
    difference = signed(row.difference) if row.is_same else ""
    return row.metric, row.tracker, row.model, percent(row.published), percent(row.ours), difference, row.source


def _sequence(report: Mapping[str, Any], name: str, measures: Sequence[str]) -> tuple[str, ...]:
    said, cost = report["sequences"][name], report["tracking"].get(name)
    numbers = [percent(said.get(each)) for each in measures]
    return (name, *numbers, str(said["objects"]), str(said["frames"]), f"{cost['fps']:.1f}" if cost else "–")


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(each) for each in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")
