"""Feature banks: which rows of features a detector keeps of a stream, and which of them it attends to.

A bank decides what is written, dropped and shown; how rows were made and are attended belongs to vidmem/detectors.
A state is a frozen value: keep an old one to undo, use one twice to fork, save it with vidmem.states.

To add one: write vidmem/feature_banks/NAME.py and its line in the table; tests/test_feature_banks.py tries it at once.
"""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

from vidmem.catalog import Catalog


class FeatureBank(Protocol):
    """Three verbs over a frozen state. One state a stream and a layer."""

    def start(self, seed: int) -> Any:
        """Nothing is kept yet. Chance is part of the state: of one seed the same rows are drawn and dropped."""
        ...

    def read(self, state: Any) -> Tensor | None:
        """(M, C) the keys for the next frame; None where nothing is kept. The same for the same state."""
        ...

    def write(self, state: Any, plain: Tensor, enhanced: Tensor, scores: Tensor) -> Any:
        """The state behind a frame of which these rows (N, C) may be kept, before and after they were enhanced.

        scores (N,) 0..1 by which rows may be ranked. A frame without rows is told too: a draw lasts one frame.
        """
        ...

    def fill(self, state: Any, rows: Tensor, scores: Tensor) -> Any:
        """The state with the rows (N, C) of reference frames, which are all shown to the first frame."""
        ...


feature_banks: Catalog[FeatureBank] = Catalog(
    "feature bank",
    "vidmem.feature_banks",
    {
        "none": "vidmem.feature_banks.none:Nothing",  # the single-frame detector
        "window": "vidmem.feature_banks.window:FrameWindow",  # the last frames, all their rows
        "spread": "vidmem.feature_banks.spread:Spread",  # SELSA-like: a few frames, evenly spread
        "sampled": "vidmem.feature_banks.sampled:Sampled",  # MAMBA: a large store, read and replaced at random
    },
)
