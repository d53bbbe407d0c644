"""Sides that take turns, frame by frame, so that whatever else the machine does touches all of them alike."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

import torch
from torch import Tensor

from vidmem.speed import Side


@dataclass
class Lap:
    """What one side took, frame by frame."""

    wall: list[float] = field(default_factory=list)  # seconds on the clock
    cpu: list[float] = field(default_factory=list)  # seconds of the process's processors
    agreement: list[float] = field(default_factory=list)  # mean IoU of its masks with those of the first side
    apart: list[float] = field(default_factory=list)  # largest difference of its logits from those of the first side

    def seconds(self, settled: int) -> float:
        """Of a frame, as a rule: the median from frame `settled` on, by `clock`."""
        return median(getattr(self, clock())[settled:])


def clock() -> Literal["cpu", "wall"]:
    """What counts: processor time where one thread has the work, since other work on the machine does not stretch it;
    else time on the clock, since threads and GPUs that wait for each other cost it."""
    return "wall" if torch.cuda.is_available() or torch.get_num_threads() > 1 else "cpu"


def times_faster(laps: Mapping[str, Lap], side: str, than: str, settled: int) -> float:
    """How many times faster a side is than another: the median, from frame `settled` on, of the ratio in each frame.

    Both were worked on in turns, so what else the machine did touches both ends of a ratio."""
    ours, theirs = getattr(laps[side], clock()), getattr(laps[than], clock())
    return median(b / a for a, b in zip(ours[settled:], theirs[settled:], strict=True))


def race(sides: Mapping[str, Side], frames: int, watcher: Any = None) -> dict[str, Lap]:
    """So many frames by every side. The first side is the one the others are compared with."""
    laps = {name: Lap() for name in sides}
    for frame in range(frames):
        answers: dict[str, dict[int, Tensor]] = {}
        names = list(sides)
        for name in names[frame % len(names) :] + names[: frame % len(names)]:
            wall, cpu = time.perf_counter(), time.process_time()
            answers[name] = sides[name].step()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            laps[name].wall.append(time.perf_counter() - wall)
            laps[name].cpu.append(time.process_time() - cpu)
        truth = answers[names[0]]
        for name, answer in answers.items():
            laps[name].agreement.append(sum(iou(answer[i] > 0, truth[i] > 0) for i in truth) / len(truth))
            laps[name].apart.append(max(float((answer[i].float() - truth[i].float()).abs().max()) for i in truth))
        if watcher:
            watcher(frame, laps)
    return laps


def iou(one: Tensor, other: Tensor) -> float:
    """Of two masks; 1 where both are empty."""
    joint = int((one | other).sum())
    return int((one & other).sum()) / joint if joint else 1.0
