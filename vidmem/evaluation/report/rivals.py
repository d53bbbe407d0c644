"""The report of several trackers over one data set: who reaches what, over all videos and on each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from vidmem.evaluation.report.charts import colour_of
from vidmem.evaluation.report.html import document, head_row, section
from vidmem.evaluation.report.markdown import grid
from vidmem.evaluation.report.wording import facts_in_words, main_measure, percent, reservations, signed, size

Rivals = Mapping[str, Mapping[str, Any]]  # tracker -> what its own report.json holds; the first is compared with

NOT_SHARED = ("tracker", "speed", "memory", "time", "videos")  # facts that each tracker's own report tells

NOTE = "In percent, the best first, the best of each column bold. fps: frames a second of one video's tracking."


def rivals_page(rivals: Rivals) -> str:
    """The whole report.html; each tracker's own is linked."""
    facts = next(iter(rivals.values()))["facts"]
    title = f"{len(rivals)} trackers · {facts['model']} on {facts['title']}" + f" {facts['split']}" * bool(
        facts["split"]
    )
    warnings = "".join(f'<p class="warning">{escape(each)}</p>' for each in _warnings(rivals))
    line = [f"protocol {facts['protocol']}", f"{facts['videos']} videos", f"{facts['frames']} frames"]
    link: Callable[[str], str] = lambda name: f'<a href="{escape(name)}/report.html">{escape(name)}</a>'  # noqa: E731
    shared = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in _shared(rivals))
    body = "\n".join(
        (
            f"<header><h1>{escape(title)}</h1><p class=line>{escape(' · '.join(line))}</p>{warnings}</header>",
            section("Trackers", NOTE, _html(*_overall(rivals), link)),
            section("On each sequence", _each_note(rivals), _html(*_each(rivals), link, coloured=True)),
            section("Facts", "", f'<table class="facts">{shared}</table>'),
        )
    )
    return document(title, body)


def rivals_markdown(rivals: Rivals) -> str:
    """The whole report.md."""
    facts = next(iter(rivals.values()))["facts"]
    parts = [
        f"# {len(rivals)} trackers with {facts['model']} on {facts['title']} {facts['split']}".rstrip(),
        *(f"> {each}" for each in _warnings(rivals)),
        NOTE,
        _markdown(*_overall(rivals)),
        "## On each sequence",
        _each_note(rivals),
        _markdown(*_each(rivals)),
        "## Facts",
        grid(("", ""), _shared(rivals)),
    ]
    return "\n\n".join(parts) + "\n"


def best_first(rivals: Rivals) -> list[str]:
    """The trackers by the main measure."""
    return sorted(rivals, key=lambda name: -(_main(rivals[name]["metrics"], rivals) or 0.0))


Row = tuple[str, list[tuple[float | None, str]]]  # a tracker, and cells: the number that is compared, and its text


def _overall(rivals: Rivals) -> tuple[tuple[str, ...], list[Row]]:
    measures = list(next(iter(rivals.values()))["metrics"])
    reference, first = next(iter(rivals)), next(iter(rivals.values()))
    rows: list[Row] = []
    for name in best_first(rivals):
        report = rivals[name]
        numbers = [report["metrics"].get(each) for each in measures]
        cells: list[tuple[float | None, str]] = [
            (None if each.endswith("-Decay") else value, percent(value))
            for each, value in zip(measures, numbers, strict=True)
        ]
        ours, theirs = _main(report["metrics"], rivals), _main(first["metrics"], rivals)
        gap = None if ours is None or theirs is None or name == reference else ours - theirs
        facts = report["facts"]
        cells += [(None, signed(gap)), (None, f"{facts['fps']:.1f}" if facts["fps"] else "–")]
        rows.append((name, [*cells, (None, size(facts["peak_state_bytes"]))]))
    return ("tracker", *measures, f"to {reference}", "fps", "state"), rows


def _each(rivals: Rivals) -> tuple[tuple[str, ...], list[Row]]:
    sequences = list(dict.fromkeys(video for report in rivals.values() for video in report["sequences"]))
    rows: list[Row] = []
    for name in best_first(rivals):
        said = rivals[name]["sequences"]
        values = [_main(said.get(video, {}), rivals) for video in sequences]
        rows.append((name, [(value, percent(value)) for value in values]))
    return ("tracker", *sequences), rows


def _main(numbers: Mapping[str, Any], rivals: Rivals) -> float | None:
    return numbers.get(main_measure(next(iter(rivals.values()))["metrics"]) or "")


def _each_note(rivals: Rivals) -> str:
    return f"{main_measure(next(iter(rivals.values()))['metrics'])} of each tracker on each sequence."


def _warnings(rivals: Rivals) -> list[str]:
    said = [
        f"Under {name} {len(report['failures'])} of {report['facts']['videos']} videos failed; its numbers lack them."
        for name, report in rivals.items()
        if report["failures"]
    ]
    return said + reservations(next(iter(rivals.values())))


def _shared(rivals: Rivals) -> list[tuple[str, str]]:
    first = next(iter(rivals.values()))
    return [("model", first["facts"]["model"])] + [each for each in facts_in_words(first) if each[0] not in NOT_SHARED]


def _best(rows: list[Row]) -> list[float | None]:
    columns = zip(*(cells for _, cells in rows), strict=True)
    return [max((value for value, _ in column if value is not None), default=None) for column in columns]


def _html(head: tuple[str, ...], rows: list[Row], link: Callable[[str], str], coloured: bool = False) -> str:
    best, lines = _best(rows), []
    for name, cells in rows:
        shown = []
        for (value, text), top in zip(cells, best, strict=True):
            dot = f'<i style="background:{colour_of(value)}"></i>' if coloured and value is not None else ""
            shown.append(f"<td class=n>{dot}{f'<b>{text}</b>' if value is not None and value == top else text}</td>")
        lines.append(f"<tr><td>{link(name)}</td>{''.join(shown)}</tr>")
    table = f"<table>{head_row(head, numeric=range(1, len(head)))}{''.join(lines)}</table>"
    return f'<div class="wide">{table}</div>'


def _markdown(head: tuple[str, ...], rows: list[Row]) -> str:
    best = _best(rows)
    return grid(
        head,
        [
            (name, *(f"**{t}**" if v is not None and v == top else t for (v, t), top in zip(cells, best, strict=True)))
            for name, cells in rows
        ],
    )
