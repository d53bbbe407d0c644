"""`vidmem train`: a model from a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vidmem.cli import options


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe of configs/, or a path to a .toml file.")] = "nano",
    out: Annotated[Path, typer.Option("--out", help="Where checkpoints, curve and metrics go.")] = Path("runs/train"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on exactly where an earlier run stopped.")] = False,
    minutes: Annotated[float | None, typer.Option("--minutes", help="Stop after so long, to be resumed later.")] = None,
    device: options.Device = "auto",
) -> None:
    """Train a model: on generated video, and on real clips where the recipe names them and they are there."""
    from vidmem.training import run

    run(recipe, out, resume=resume, minutes=minutes, report=typer.echo, device=device)
