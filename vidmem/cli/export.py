"""`vidmem export`: the results of a run in other formats, without tracking again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vidmem.cli import options


def export(
    results: Annotated[
        Path,
        typer.Argument(
            help="A folder a run wrote (also a broken-off one), a folder of palette PNGs, or a tracks.rle.json."
        ),
    ],
    formats: options.Formats = "rle",
    out: Annotated[Path | None, typer.Option("--out", help="Where to write; the folder itself when left out.")] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="The video mp4 draws on, if it is not where a run found it.")
    ] = None,
) -> None:
    """Write the results of a run in other formats."""
    from vidmem.export import export as write
    from vidmem.frames import watch
    from vidmem.runlog import has_run
    from vidmem.writers import writers

    chosen = options.formats_of(formats)
    place = out or (results if results.is_dir() else results.parent)
    video = None
    if any(getattr(writers[each], "needs_image", False) for each in chosen):
        video = options.video_of(results, source) if has_run(results) else watch(source) if source else None
    try:
        frames = write(results, chosen, place, video)
    finally:
        if video:
            video.close()
    typer.echo(f"wrote {', '.join(chosen)} of {frames} frames to {place}")
