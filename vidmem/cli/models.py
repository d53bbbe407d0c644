"""`vidmem models`: the checkpoints there are, where they lie, whether they are whole."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from vidmem.cli import options
from vidmem.models import manifest

app = typer.Typer(help="List, download and verify checkpoints.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A name of `vidmem models list`.")]


@app.command("list")
def list_models(as_json: options.AsJson = False) -> None:
    """Every checkpoint with a name: its size, its licence, whether it is here."""
    listed = manifest.every()
    if as_json:
        rows = [
            {
                "name": e.name,
                "path": str(e.path),
                "present": e.present,
                "bytes": e.bytes,
                "licence": e.licence,
                "url": e.url,
            }
            for e in listed
        ]
        typer.echo(json.dumps(rows, indent=1))
        return
    for each in listed:
        size = each.bytes or (each.path.stat().st_size if each.present else 0)
        here = "here" if each.present else "not downloaded"
        typer.echo(f"{each.name:14s} {size / 1e6:7.1f} MB  {here:15s} {each.about} ({each.licence})")
    typer.echo(f"\nDownloads lie in {manifest.cache()}. Get one with: vidmem models download NAME")


@app.command("download")
def download(name: Name) -> None:
    """Fetch a checkpoint, resuming where an earlier download broke off, and verify it."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    from vidmem.models.download import fetch

    manifest.named(name)  # an unknown name is told without a bar
    with Progress(
        "[progress.description]{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn()
    ) as bar:
        task = bar.add_task(name, total=None)
        path = fetch(name, lambda done, total: bar.update(task, completed=done, total=total or None), bar.console.print)
    typer.echo(f"{name} is at {path}")


@app.command("verify")
def verify(name: Annotated[str | None, typer.Argument(help="A name; all that are here without one.")] = None) -> None:
    """Compare checkpoints on this machine with their published (or first recorded) sha256."""
    from vidmem.models import download

    chosen = [manifest.named(name)] if name else [each for each in manifest.every() if each.present]
    for each in chosen:
        typer.echo(f"{each.name:14s} {download.verify(each)}  ok")
