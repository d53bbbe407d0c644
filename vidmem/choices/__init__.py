"""Choices: which of the candidates becomes the answer.

To add one: write vidmem/choices/NAME.py and its line in the table; tests/test_choices.py tries it at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from vidmem.values import Candidates


@dataclass(frozen=True)
class Belief:
    """How far each of the K candidates is believed."""

    scores: tuple[float, ...]  # K numbers, 0..1; the highest is picked, the first of equals
    motion_iou: tuple[float, ...] | None = None  # K overlaps with where the object was expected; None: nowhere yet

    @property
    def pick(self) -> int:
        """The candidate believed most."""
        return max(range(len(self.scores)), key=self.scores.__getitem__)


class Choice(Protocol):
    """Three verbs over a state the choice never changes in place. One state follows one object through one past."""

    def start(self) -> Any:
        """The state before the first frame."""
        ...

    def judge(self, state: Any, candidates: Candidates) -> Belief:
        """How far each candidate is believed."""
        ...

    def learn(self, state: Any, candidates: Candidates, pick: int) -> Any:
        """The next state, once it is settled which candidate answers. A clear prompt offers one candidate only."""
        ...


choices: Catalog[Choice] = Catalog(
    "choice",
    "vidmem.choices",
    {
        "argmax": "vidmem.choices.argmax:Argmax",  # SAM 2: the highest predicted IoU
        "motion": "vidmem.choices.motion:Motion",  # SAMURAI: how well it moves as the object moved, too
    },
)
