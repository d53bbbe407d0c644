"""The frame of every page and its pieces: a document, a section, the head of a table, a chart."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Container, Sequence
from html import escape

from vidmem.evaluation.report.style import STYLE


def document(title: str, body: str) -> str:
    """A page that needs no network and no script."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n"
        "</html>\n"
    )


def section(title: str, note: str, inside: str) -> str:
    said = f"<p class=note>{escape(note)}</p>" if note else ""
    return f"<section><h2>{escape(title)}</h2>{said}{inside}</section>"


def chart(title: str, note: str, svg: bytes | None) -> str:
    """A section with a picture; nothing when there is nothing to draw."""
    if svg is None:
        return ""
    source = f"data:image/svg+xml;base64,{b64encode(svg).decode()}"
    return section(title, note, f'<img class="chart" alt="{escape(title)}" src="{source}">')


def head_row(names: Sequence[str], numeric: Container[int] = ()) -> str:
    """numeric: the columns of numbers, which stand to the right."""
    cells = "".join(
        f"<th{' class=n' if column in numeric else ''}>{escape(name)}</th>" for column, name in enumerate(names)
    )
    return f"<tr>{cells}</tr>"
