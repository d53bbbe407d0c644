"""Training: procedural video, real clips, losses and the loop that makes a small SAM 2 out of them.

Detectors are trained too (detection/), and the codings of target models (learner/): a recipe with kind = "detector" or
"learner" is one of theirs.
"""

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
    device: str = "auto",
) -> Path:
    """Train by a recipe of configs/ (a name, or a path to a .toml file); -> its weights in `out`.

    resume: go on from out/state.pt where there is one, exactly as if the run had not stopped
    minutes: stop after so long, to be resumed later   report: is given a line now and then
    workers: processes that share the work, at most the recipe's `parts`; by default as many as there are cores
    device: where is learned: auto (a GPU where torch sees one), cpu, cuda, cuda:1
    """
    import os

    import torch

    from vidmem import cards
    from vidmem.training.loop import train
    from vidmem.training.recipe import Recipe, build, table

    place = cards.find("configs", str(recipe))
    card = table(place)
    if card.get("kind") == "detector":
        from vidmem.training.detection import loop
        from vidmem.training.detection import recipe as detection

        return loop.train(detection.build(card, str(place)), Path(out), resume, minutes, report, device)
    from vidmem.models.options import as_device

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if card.get("kind") == "learner":
        from vidmem.training.learner import loop as learning
        from vidmem.training.learner import recipe as of_learner

        return learning.train(of_learner.build(card, str(place)), Path(out), resume, minutes, report, as_device(device))

    cores, device = os.cpu_count() or 1, str(as_device(device))
    loaders = 0 if device == "cpu" else max(1, cores - 2)  # on a GPU the cores are free to draw clips
    recipe_read = build(Recipe, card, str(place))
    return train(recipe_read, Path(out), resume, minutes, report, workers or cores, device, loaders)
