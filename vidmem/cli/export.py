"""`vidmem export`: the results of a run in other formats, without tracking again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    results: Annotated[
        Path,
        typer.Argument(
            help="A folder a run wrote (also a broken-off one), a folder of palette PNGs, or a tracks.rle.json."
        ),
    ],
    formats: Annotated[
        str, typer.Option("--formats", help="Comma-separated: png, object-png, rle, ytvos, csv, parquet, mp4.")
    ] = "rle",
    out: Annotated[Path | None, typer.Option("--out", help="Where to write; the folder itself when left out.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="The video, which mp4 needs to draw on.")] = None,
) -> None:
    """Write the results of a run in other formats."""
    from vidmem.export import export as write
    from vidmem.frames import watch

    chosen = [each.strip() for each in formats.split(",") if each.strip()]
    place = out or (results if results.is_dir() else results.parent)
    frames = write(results, chosen, place, watch(source) if source else None)
    typer.echo(f"wrote {', '.join(chosen)} of {frames} frames to {place}")
