"""LWL's sample memory (arXiv 2003.11540): new samples count more, and the first mask never less than a quarter.

[S] The recurrence is that of pytracking 7eb9e74b, pytracking/tracker/lwl/lwl.py, update_sample_weights, with the
numbers of pytracking/parameter/lwl/lwl_ytvos.py. It does not normalise again behind the floor, so that
the weights then add up to a little more than one; that is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from vidmem.targets.samples import Sample
from vidmem.targets.samples.room import FLOOR, check_bounds, made_room


@dataclass(frozen=True)
class Lwl:
    """Weights that grow from sample to sample. [C] A later prompt joins the first mask under the same floor."""

    limit: int = 32  # LWL: sample_memory_size
    max_prompts: int = 4  # of them prompted: the first and the newest. LWL knows one
    rate: float = 0.1  # LWL: learning_rate, of the weights
    floor: float = FLOOR  # LWL: init_samples_minimum_weight, of all prompts together

    def __post_init__(self) -> None:
        check_bounds("lwl", self.limit, self.max_prompts)
        if not 0 < self.rate < 1 or not 0 <= self.floor < 1:
            raise ValueError(f"lwl.rate must be between 0 and 1 and floor 0 or more; got {self.rate}, {self.floor}.")

    def keep(self, samples: tuple[Sample, ...], new: Sample) -> tuple[Sample, ...]:
        if not samples:
            return (replace(new, weight=1.0),)
        rest = made_room(samples, new, self.limit, self.max_prompts)
        tracked = [each.weight for each in samples if not each.prompted]
        weights = [each.weight for each in rest]
        if tracked:
            weights.append(tracked[-1] / (1 - self.rate))
        else:
            weights = [*(each / (1 - self.rate) for each in weights), self.rate]
        return self._floored((*rest, new), weights)

    def weigh(self, samples: tuple[Sample, ...], seen: Tensor) -> tuple[float, ...]:
        return tuple(each.weight for each in samples)

    def _floored(self, samples: tuple[Sample, ...], weights: list[float]) -> tuple[Sample, ...]:
        """The samples with weights that add up to one, then lifted to the floor."""
        total = sum(weights)
        weights = [each / total for each in weights]
        first = sum(weight for weight, each in zip(weights, samples, strict=True) if each.prompted)
        if first < self.floor:
            count = sum(each.prompted for each in samples)
            scale = self.floor + sum(weights) - first
            weights = [
                self.floor / count if each.prompted else weight / scale
                for weight, each in zip(weights, samples, strict=True)
            ]
        return tuple(replace(each, weight=weight) for weight, each in zip(weights, samples, strict=True))
