"""`vidmem trackers`: every card, with its idea, its cost and when to use it."""

from __future__ import annotations

import json

import typer

from vidmem.cli import options


def trackers(as_json: options.AsJson = False) -> None:
    """List the trackers: a card each, to be named by --tracker."""
    from vidmem import cards

    listed = {name: cards.read("trackers", name) for name in cards.names("trackers")}
    if as_json:
        typer.echo(json.dumps(listed, indent=1))
        return
    for name, card in listed.items():
        typer.echo(f"{name}  ({card.get('title', name)})")
        for word in ("idea", "cost", "when", "paper"):
            if word in card:
                typer.echo(f"  {word + ':':6s} {card[word]}")
        parts = {part: card.get(part) for part in ("bank", "choice", "search") if part in card}
        named = (f"{part} {p.get('name', '') if isinstance(p, dict) else p}" for part, p in parts.items())
        kept = (f"transform {t if isinstance(t, str) else t['name']}" for t in card.get("transforms", []))
        typer.echo("  parts: " + ", ".join((*named, *kept)))
