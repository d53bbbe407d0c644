"""Sample memories: which frames a target model learns from, and how much each of them counts.

To add one: write vidmem/targets/samples/NAME.py and its line in the table; tests/test_target_samples.py tries it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Sample:
    """A frame and its mask, as they are kept to be learned from."""

    frame: int
    step: int  # how many frames its target model had seen
    features: Tensor  # (C, h, w) float16, as the target model's `prepare` gives them
    label: Tensor  # (K, h, w) float16, as its coding writes the mask
    spatial: Tensor  # (K, h, w) float16: how much each number of the label counts, on the residual
    prompted: bool = False  # the truth, as a person gave it
    weight: float = 1.0  # what its memory thinks of it
    pred_iou: float = 1.0
    object_score_logit: float = 10.0


class Samples(Protocol):
    """Two verbs. Both keep the order; a prompted sample is dropped only by the bound on prompts."""

    def keep(self, samples: tuple[Sample, ...], new: Sample) -> tuple[Sample, ...]:
        """The samples with one more, and without those there is no room for."""
        ...

    def weigh(self, samples: tuple[Sample, ...], seen: Tensor) -> tuple[float, ...]:
        """w of each sample, on the residual, so that it enters the loss squared; 0 lets it rest for this fit.

        seen (C, h, w): the frame that is to be answered next.
        """
        ...


samples: Catalog[Samples] = Catalog(
    "sample memory",
    "vidmem.targets.samples",
    {
        "fifo": "vidmem.targets.samples.fifo:Fifo",  # the latest, all alike
        "lwl": "vidmem.targets.samples.lwl:Lwl",  # the latest count most: LWL, arXiv 2003.11540
        "rmscl": "vidmem.targets.samples.rmscl:Rmscl",  # those the present is made of: arXiv 2309.15274
    },
)
