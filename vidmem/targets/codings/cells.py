"""The training-free coding: the channels of a label are the mask's own finer cells, and are put back in their places.

[C] It stands in for LWL's trained label encoder and decoder (arXiv 2003.11540, 3.4), so that a target model can be had
for any model. Weights only balance object and ground.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vidmem.targets.codings import Seen
from vidmem.targets.codings.labels import balance, decoded, encoded, normalised
from vidmem.values import Features


@dataclass(frozen=True)
class Cells:
    """Masks cut into finer cells."""

    decay: float = 0.01  # lambda. LWL: learned, from .01
    object_share: float = 0.25  # of the loss, however small the object is. [C] See docs/continual.md
    centred: bool = True  # whether each channel's mean over the frame is taken away first [C]
    sharpness: float = 10.0  # logits of a score of 1 [C]: SAM 2's for a mask that was given

    def __post_init__(self) -> None:
        if self.decay < 0 or not 0 <= self.object_share < 1 or self.sharpness <= 0:
            raise ValueError(
                "cells.decay must be 0 or more, object_share 0 to 1, sharpness above 0; got "
                f"{self.decay}, {self.object_share}, {self.sharpness}."
            )

    @property
    def backbone(self) -> str:
        return ""

    def prepare(self, features: Features) -> Seen:
        return Seen(normalised(features.levels[-1], self.centred))

    def encode(self, mask: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
        label = encoded(mask, grid)
        return label, balance(label, self.object_share)

    def decode(self, scores: Tensor, seen: Seen) -> Tensor:
        return (2 * decoded(scores) - 1) * self.sharpness
