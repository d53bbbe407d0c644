"""Codings: how a target model is shown frames and masks, and how what it says is read.

A filter cannot learn a mask as it is: it is coarse, and says K numbers a cell. A coding prepares features for it,
writes masks in those K channels with how much each counts, and reads its answers as a mask again. To add one: write
vidmem/targets/codings/NAME.py and its line in the table; tests/test_target_codings.py tries it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from torch import Tensor

    from vidmem.values import Features


@dataclass(frozen=True, eq=False)
class Seen:
    """A frame as target models see it."""

    deep: Tensor  # (C, h, w) what the filter works on; samples keep it
    finer: tuple[Tensor, ...] = ()  # (C', h', w') each, finest first: what a score map is read with, kept by nobody


class Coding(Protocol):
    """Three verbs, and what a solver and a model must know."""

    @property
    def decay(self) -> float | Tensor:
        """lambda, on the filter; a number."""
        ...

    @property
    def backbone(self) -> str:
        """The image encoder whose features it was trained on, as `Sam2.backbone` names it; "" goes with any."""
        ...

    def prepare(self, features: Features) -> Seen:
        """A frame, once for all objects."""
        ...

    def encode(self, mask: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Label and weights, each (K, h, w), of a mask (h', w') of 0..1 over the feature grid (h, w).

        Weights multiply the residual, so that they enter the loss squared.
        """
        ...

    def decode(self, scores: Tensor, seen: Seen) -> Tensor:
        """(h', w') logits: what a filter says of a frame (K, h, w), read as a mask."""
        ...


codings: Catalog[Coding] = Catalog(
    "coding",
    "vidmem.targets.codings",
    {
        "cells": "vidmem.targets.codings.cells:Cells",  # the mask's own finer cells; nothing is trained
        "trained": "vidmem.targets.codings.trained:Trained",  # LWL's label encoder and decoder, arXiv 2003.11540
    },
)
