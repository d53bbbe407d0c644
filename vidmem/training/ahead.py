"""Batches that are made ahead of their step by other processes, for a device that learns faster than one core draws."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from torch.utils.data import DataLoader, Dataset

from vidmem.training.batches import Batch, batch
from vidmem.training.recipe import Recipe
from vidmem.training.sequences import Sequence

DEPTH = 2  # batches that each process keeps ready


class _Steps(Dataset[Batch]):
    """Every batch of a run by (step, part)."""

    def __init__(self, recipe: Recipe, library: tuple[Sequence, ...], size: int):
        self.recipe, self.library, self.size = recipe, library, size

    def __getitem__(self, index: tuple[int, int]) -> Batch:
        return batch(self.recipe, self.library, self.size, *index)


class _Order:
    """(step, part) from a step on, for ever."""

    def __init__(self, step: int, parts: range):
        self.step, self.parts = step, parts

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((step, part) for step in count(self.step) for part in self.parts)


def ahead(
    recipe: Recipe, library: tuple[Sequence, ...], size: int, step: int, parts: range, loaders: int, gpu: bool = False
) -> Iterator[Batch] | None:
    """The batches from step number `step` on, drawn by so many other processes; None without any of them.

    They are the same ones that `batch` gives. gpu: they are put where a GPU can fetch them while it computes
    """
    if not loaders:
        return None
    steps = _Steps(recipe, library, size)
    order = _Order(step, parts)
    return iter(DataLoader(steps, None, sampler=order, num_workers=loaders, prefetch_factor=DEPTH, pin_memory=gpu))
