"""Several processes that share the parts of every step: each learns from its own clips, the gradients are averaged."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as group
import torch.multiprocessing as processes
from torch import Tensor

from vidmem.training.recipe import Recipe

STOP = -1.0


class Team:
    """This process among those that train together. Alone, it does all parts and asks nobody."""

    def __init__(self, rank: int = 0, size: int = 1):
        self.rank, self.size = rank, size

    def parts(self, recipe: Recipe) -> range:
        """The parts of a step that are this process's."""
        return range(self.rank, recipe.parts, self.size)

    def agree(self, progress: float) -> float:
        """What the first process says, in every process."""
        if self.size == 1:
            return progress
        said = torch.tensor([progress], dtype=torch.float64)
        group.broadcast(said, 0)
        return float(said)

    def gather(self, gradients: Iterable[Tensor | None], parts: int) -> None:
        """Replace sums of gradients over this process's parts by the mean over all parts."""
        own = [each for each in gradients if each is not None]
        flat = torch.cat([each.flatten() for each in own])
        if self.size > 1:
            group.all_reduce(flat)
        for each, mean in zip(own, (flat / parts).split([each.numel() for each in own]), strict=True):
            each.copy_(mean.view_as(each))


def gather_team(recipe: Recipe, out: Path, workers: int, work: Any) -> Team:
    """Start the other processes, each running `work(team, recipe, out)`, and return this one's place among them."""
    workers = max(1, min(workers, recipe.parts))
    if workers == 1:
        return Team()
    meeting = Path(tempfile.mkdtemp()) / "meeting"
    for rank in range(1, workers):
        arguments = (rank, workers, str(meeting), torch.get_num_threads(), recipe, out, work)
        processes.get_context("spawn").Process(target=_join, args=arguments, daemon=True).start()
    _meet(0, workers, str(meeting))
    return Team(0, workers)


def disband(team: Team) -> None:
    """End what `gather_team` began."""
    if team.size > 1:
        group.destroy_process_group()


def _meet(rank: int, size: int, meeting: str) -> None:
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # the processes are all on this machine
    group.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=size)


def _join(rank: int, size: int, meeting: str, threads: int, recipe: Recipe, out: Path, work: Any) -> None:
    torch.set_num_threads(threads)
    _meet(rank, size, meeting)
    work(Team(rank, size), recipe, out)
    group.destroy_process_group()
