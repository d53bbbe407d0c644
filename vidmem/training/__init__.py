"""Training: procedural video, real clips, losses and the loop that makes a small SAM 2 out of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def run(
    recipe: str,
    out: Path,
    resume: bool = True,
    minutes: float | None = None,
    report: Callable[[str], None] | None = None,
    workers: int | None = None,
) -> Path:
    """Train by a recipe of configs/ (a name, or a path to a .toml file); -> the folder's averaged weights.

    resume: go on from out/state.pt where there is one, exactly as if the run had not stopped
    minutes: stop after so long, to be resumed later   report: is given a line now and then
    workers: processes that share the work, at most the recipe's `parts`; by default as many as there are cores
    """
    import os

    from vidmem import cards
    from vidmem.training.loop import train
    from vidmem.training.recipe import read

    card = read(cards.find("configs", str(recipe)))
    return train(card, Path(out), resume, minutes, report, workers or os.cpu_count() or 1)
