"""report.html: one file that needs no network, with charts and pictures set into it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from vidmem.evaluation.record import Record
from vidmem.evaluation.report.charts import MOST_BARS, MOST_CURVES, bars, colour_of, curves, frame_measure
from vidmem.evaluation.report.html import chart, document, head_row, section
from vidmem.evaluation.report.strips import Strip
from vidmem.evaluation.report.wording import (
    compared,
    facts_in_words,
    failed,
    headline,
    main_measure,
    percent,
    ranked,
    reservations,
    signed,
    size,
)


def to_page(report: Mapping[str, Any], records: Sequence[Record], strips: Sequence[Strip]) -> str:
    """The whole report.html."""
    title = headline(report["facts"])
    body = "\n".join(
        each
        for each in (
            _head(report),
            _published(report),
            _failures(report, records),
            chart("Sequences", _bars_note(report), bars(report)),
            chart(*_curves_words(report, records), curves(report, records)),
            _strips(report, strips),
            _classes(report),
            _table(report),
            _facts(report),
        )
        if each
    )
    return document(title, body)


def _head(report: Mapping[str, Any]) -> str:
    facts, metrics = report["facts"], report["metrics"]
    same = {each.metric: each for each in compared(report) if each.is_same}
    tiles = []
    for row, (name, value) in enumerate(sorted(metrics.items(), key=lambda item: "-" in item[0])):
        beside = same.get(name)
        note = f"paper {percent(beside.published)} ({signed(beside.difference)})" if beside else ""
        kind = "tile first" if row == 0 else "tile"
        tiles.append(
            f'<div class="{kind}"><b>{percent(value)}</b><span>{escape(name)}</span>'
            + (f"<small>{escape(note)}</small>" if note else "")
            + "</div>"
        )
    line = [
        f"protocol {facts['protocol']}",
        f"{facts['videos_scored']} of {facts['videos']} videos scored",
        f"{facts['frames']} frames",
    ]
    if facts["tracker"]:
        line.append(f"prompt: {facts['prompt']}")
    if facts["fps"]:
        line.append(f"{facts['fps']:.1f} frames a second on {', '.join(facts['devices'])}")
    if facts["peak_state_bytes"]:
        line.append(f"state at most {size(facts['peak_state_bytes'])}")
    warnings = "".join(f'<p class="warning">{escape(each)}</p>' for each in (*failed(report), *reservations(report)))
    return (
        f"<header><h1>{escape(headline(facts))}</h1><p class=line>{' · '.join(map(escape, line))}</p>"
        f'<div class="tiles">{"".join(tiles)}</div>{warnings}</header>'
    )


def _published(report: Mapping[str, Any]) -> str:
    rows = compared(report)
    if not rows:
        return ""
    head = ("metric", "tracker", "model", "published", "ours", "difference", "source")
    body = "".join(
        f'<tr class="{"same" if each.is_same else ""}"><td>{escape(each.metric)}</td><td>{escape(each.tracker)}</td>'
        f"<td>{escape(each.model)}</td><td class=n>{percent(each.published)}</td><td class=n>{percent(each.ours)}</td>"
        f"<td class=n>{signed(each.difference) if each.is_same else ''}</td><td>{escape(each.source)}</td></tr>"
        for each in rows
    )
    return section("Beside published numbers", "", f"<table>{head_row(head, numeric=(3, 4, 5))}{body}</table>")


def _failures(report: Mapping[str, Any], records: Sequence[Record]) -> str:
    if not report["failures"]:
        return ""
    traces = {each.sequence: each.trace for each in records}
    items = "".join(
        f"<li><b>{escape(name)}</b> {escape(reason)}"
        + (f"<details><summary>where</summary><pre>{escape(traces[name])}</pre></details>" if traces[name] else "")
        + "</li>"
        for name, reason in report["failures"].items()
    )
    return section("Failures", "These videos have no score.", f'<ul class="failures">{items}</ul>')


def _bars_note(report: Mapping[str, Any]) -> str:
    count = len(report["sequences"])
    shown = f" The worst {MOST_BARS} of {count} are drawn; the table below has all." if count > MOST_BARS else ""
    return f"{main_measure(report['metrics'])} of each sequence, the worst on top.{shown}"


def _curves_words(report: Mapping[str, Any], records: Sequence[Record]) -> tuple[str, str]:
    measure = next((frame_measure(each) for each in records if each.scores), None) or ""
    count = len(report["sequences"])
    shown = f" The worst {MOST_CURVES} of {count} are drawn; records/ has all." if count > MOST_CURVES else ""
    return (
        f"{measure[:1].upper()}{measure[1:]} over time",
        f"{measure} in each frame that is scored, a line for each object.{shown}",
    )


def _strips(report: Mapping[str, Any], strips: Sequence[Strip]) -> str:
    if not strips:
        return ""
    measure = main_measure(report["metrics"])
    shown = []
    for strip in strips:
        pictures = "".join(
            f'<figure class="{"worst" if each.is_worst else ""}"><img alt="frame {escape(each.frame)}" '
            f'src="data:image/jpeg;base64,{b64encode(each.jpeg).decode()}">'
            f"<figcaption>{escape(each.frame)} <b>{percent(each.fit)}</b></figcaption></figure>"
            for each in strip.pictures
        )
        value = report["sequences"][strip.sequence].get(measure)
        shown.append(
            f"<h3>{escape(strip.sequence)} <span>{escape(str(measure))} {percent(value)}</span></h3>"
            f'<div class="strip">{pictures}</div>'
        )
    note = (
        "The answer in colour, the truth as a white line; the number is their overlap. The worst frame has a red frame."
    )
    return section("Where it failed", note, "".join(shown))


def _table(report: Mapping[str, Any]) -> str:
    if not report["sequences"]:
        return ""
    names = list(report["metrics"])
    rows = []
    for name in ranked(report):
        said, cost = report["sequences"][name], report["tracking"].get(name)
        cells = "".join(f"<td class=n>{percent(said.get(each))}</td>" for each in names)
        speed = f"{cost['fps']:.1f}" if cost else "–"
        state = size(cost["peak_state_bytes"]) if cost else "–"
        value = said.get(names[0]) if names else None
        dot = f'<i style="background:{colour_of(value)}"></i>' if value is not None else ""
        rows.append(
            f"<tr><td>{dot}{escape(name)}</td>{cells}<td class=n>{said['objects']}</td>"
            f"<td class=n>{said['frames']}</td><td class=n>{speed}</td><td class=n>{state}</td></tr>"
        )
    head = ("sequence", *names, "objects", "frames", "fps", "state")
    table = f"<table>{head_row(head, numeric=range(1, len(head)))}{''.join(rows)}</table>"
    return section("All numbers", "In percent, the worst first.", f'<div class="wide">{table}</div>')


def _classes(report: Mapping[str, Any]) -> str:
    if not report["classes"]:
        return ""
    names = list(report["metrics"])
    rows = "".join(
        f"<tr><td>{escape(name)}</td>{''.join(f'<td class=n>{percent(said.get(each))}</td>' for each in names)}</tr>"
        for name, said in report["classes"].items()
    )
    return section(
        "Classes", "", f"<table>{head_row(('class', *names), numeric=range(1, len(names) + 1))}{rows}</table>"
    )


def _facts(report: Mapping[str, Any]) -> str:
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in facts_in_words(report))
    return section("Facts", "", f'<table class="facts">{rows}</table>')
