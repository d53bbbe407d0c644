"""Latency and memory against the frame: tracker cards of ours, and peers beside them with the same weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from vidmem import machine, states
from vidmem.errors import UsageError
from vidmem.models.sam2 import Sam2
from vidmem.speed import Side, peers, roofline
from vidmem.speed.ours import Ours
from vidmem.speed.race import Lap, race
from vidmem.tracker import Tracker


@dataclass(frozen=True, eq=False)
class Bench:
    """What came of it."""

    laps: dict[str, Lap]
    memory: dict[str, list[int]]  # bytes of state, frame by frame, of our sides
    facts: dict[str, Any]

    def said(self, settled: int) -> dict[str, Any]:
        """As JSON holds it. Speeds are medians from frame `settled` on."""
        sides = {}
        for name, lap in self.laps.items():
            seconds = lap.seconds(settled)
            sides[name] = {
                "milliseconds": round(seconds * 1e3, 2),
                "frames_a_second": round(1 / seconds, 2),
                "mask_iou": round(mean(lap.agreement), 4),
                "latency_ms": [round(each * 1e3, 2) for each in lap.wall],
                "state_bytes": self.memory.get(name),
            }
        return {**self.facts, "counted_from": settled, "sides": sides}


class _Weighed:
    """A side of ours that also tells how large its state is."""

    def __init__(self, side: Ours):
        self.side, self.bytes = side, []

    def step(self) -> dict[int, Tensor]:
        return self.side.step()

    def weigh(self) -> None:
        self.bytes.append(states.nbytes(self.side.state))


def bench(
    trackers: Mapping[str, Tracker],
    pictures: Sequence[Tensor],
    boxes: Mapping[int, Sequence[float]],
    frames: int,
    *,
    beside: Iterable[str] = (),
    watcher: Callable[[int, dict[str, Lap]], None] | None = None,
) -> Bench:
    """So many frames by every tracker and peer, in turns. Pictures are played to and fro where they are fewer.

    The masks of the others are compared with those of the first tracker. Raises UsageError for a peer that is not
    known or not installed, or beside a model that is no SAM 2.
    """
    ours = {name: _Weighed(Ours(tracker, pictures, boxes)) for name, tracker in trackers.items()}
    model = next(iter(trackers.values())).model
    sides: dict[str, Side] = dict(ours)
    for name in beside:
        if not isinstance(model, Sam2):
            raise UsageError(f"The peer {name} has the weights of a SAM 2; {model.spec.name} is none.")
        precision = "fp32" if model.spec.precision == "float32" else "bf16"
        shown = [pictures[_around(number, len(pictures))] for number in range(frames)]
        sides[f"{name} {precision}"] = peers[name](model, shown, boxes, precision, model.device)

    def watch(frame: int, laps: dict[str, Lap]) -> None:
        for side in ours.values():
            side.weigh()
        if watcher:
            watcher(frame, laps)

    laps = race(sides, frames, watch)
    gpu = torch.cuda.get_device_name() if model.device.type == "cuda" else None
    floor = roofline.floor_seconds(model.spec.name, len(boxes), gpu) if gpu else None
    facts = {
        "model": model.spec.name,
        "input": list(model.spec.input_size),
        "precision": model.spec.precision,
        "objects": len(boxes),
        "frames": frames,
        "threads": torch.get_num_threads(),
        "machine": machine.described(),
        "gpu": gpu,
        "torch": torch.__version__,
        "roofline_ms": None if floor is None else round(floor * 1e3, 3),
    }
    return Bench(laps, {name: side.bytes for name, side in ours.items()}, facts)


def _around(number: int, length: int) -> int:
    """The place of a frame in pictures that are played to and fro."""
    around = number % max(2 * length - 2, 1)
    return min(around, 2 * length - 2 - around) if length > 1 else 0
