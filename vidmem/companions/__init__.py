"""Companions: who watches a video to its end, remembers it in bounded memory, and answers.

    frame ── Watcher.step ──> is the scene over? ── Companion.remember ──> the next state ── answer(state, question)

To add one: write vidmem/companions/NAME.py and its line in the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from torch import Tensor

    from vidmem.bridges.bridge import BridgeState
    from vidmem.values import Frame


@dataclass(frozen=True, eq=False)
class Remembered:
    """All a companion knows of the scenes behind. A plain state: it can be saved, moved and measured."""

    bridge: BridgeState
    latest: Tensor | None = None  # (1, N, D) the latest scene itself, for a language model; None: nothing was seen


class Companion(Protocol):
    """Sees frames, remembers scenes, answers from the memory alone."""

    @property
    def looks(self) -> int:
        """How many frames of a scene it looks at, at most."""
        ...

    def see(self, frame: Frame) -> Tensor:
        """(N, C) what there is to remember of a frame."""
        ...

    def start(self) -> Remembered: ...

    def remember(self, state: Remembered, frames: Sequence[Tensor]) -> Remembered:
        """The state after one more scene, of which these frames (N, C) were seen."""
        ...

    def answer(self, state: Remembered, question: str) -> str:
        """From the memory; the video is not read again. Raises UsageError for a question it cannot understand."""
        ...

    def describe(self, before: Remembered, after: Remembered) -> str:
        """What the latest scene brought."""
        ...


companions: Catalog[Companion] = Catalog(
    "companion",
    "vidmem.companions",
    {
        "recall": "vidmem.companions.recalling:Recalling",  # embedded; knows only the drawn world of the recall task
        "transformers": "vidmem.companions.language:Language",  # a vision language model in a folder
    },
)
