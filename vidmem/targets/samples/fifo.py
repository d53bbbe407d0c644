"""The prompts and the latest samples, all alike."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vidmem.targets.samples import Sample
from vidmem.targets.samples.room import check_bounds, made_room


@dataclass(frozen=True)
class Fifo:
    """First in, first out; each sample weighs sqrt(1/n), so that the loss is their mean ([S] LWL, without weights)."""

    limit: int = 32  # samples. LWL: sample_memory_size; JOINT: 20 [R]
    max_prompts: int = 4  # of them prompted: the first and the newest

    def __post_init__(self) -> None:
        check_bounds("fifo", self.limit, self.max_prompts)

    def keep(self, samples: tuple[Sample, ...], new: Sample) -> tuple[Sample, ...]:
        return (*made_room(samples, new, self.limit, self.max_prompts), new)

    def weigh(self, samples: tuple[Sample, ...], seen: Tensor) -> tuple[float, ...]:
        return (len(samples) ** -0.5,) * len(samples)
