"""Scoring the recall task: the share of right answers about objects that did appear, asked behind the last scene."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from vidmem.recall.lessons import Pool
from vidmem.recall.questions import KINDS, NOTHING, answers
from vidmem.recall.student import Student
from vidmem.recall.world import plot


@torch.no_grad()
def accuracy(student: Student, pool: Pool, scenes: int, films: int = 64, seed: int = 0) -> dict[str, float]:
    """{"all", "which", "where", "when", "old"}: shares 0..1 of right answers over films of so many scenes.

    Only questions whose truth is not "nothing" are counted, three of each kind a film, and who is asked knows that
    something did appear, so guessing scores 1/8, 1/4 and 1/8. "old": of the films whose first
    object lies in the first quarter, the questions which and when about it.
    """
    chance = np.random.default_rng((seed, scenes))
    right: dict[str, list[bool]] = {name: [] for name in (*KINDS, "old")}
    batch = films if _any_batch(student) else 1
    for _ in range(films // batch):
        plots, shown = [], []
        for _ in range(batch):  # in this order, so that the films are the same whatever the batch
            plots.append(plot(chance, scenes))
            shown.append(pool.film(chance, plots[-1], scenes))
        logits = student.answer(student.watch(torch.stack(shown))[-1].retrieved)
        said = logits[..., :NOTHING].argmax(-1).numpy()  # (B, Q)
        for facts, row in zip(plots, said, strict=True):
            truth = answers(facts, scenes)
            for name, which in KINDS.items():
                right[name] += [bool(row[i] == truth[i]) for i in which if truth[i] != NOTHING]
            if facts[0].scene < scenes / 4:
                asked = KINDS["which"][facts[0].place], KINDS["when"][0]
                right["old"] += [bool(row[i] == truth[i]) for i in asked]
    shares = {name: float(np.mean(each)) if each else float("nan") for name, each in right.items()}
    return {"all": float(np.mean([shares[name] for name in KINDS])), **shares}


def curve(
    student: Student, pool: Pool, lengths: Sequence[int], films: int = 64, seed: int = 0
) -> dict[int, dict[str, float]]:
    """Number of scenes -> `accuracy`."""
    return {scenes: accuracy(student, pool, scenes, films, seed) for scenes in lengths}


def _any_batch(student: Student) -> bool:
    """Whether the cache policy takes several films at once; those that decide by what they see take one."""
    return type(student.bridge.cache).__name__ in ("Everything", "Fifo")
