"""Target models: what is learned of an object while it is followed, beside what is remembered of it.

A target model is a small filter over a model's frozen features. It is fitted to the first mask, goes on learning from
the answers, and says in each new frame where it sees the object. A tracker may have one; `vidmem/aiming.py` makes
questions of what it says. To add one: write vidmem/targets/NAME.py and its line in the table;
tests/test_targets.py tries it.

Marks used in this package: [S] sourced, [R] recollected and not checked against the paper, [C] our own choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from torch import Tensor

    from vidmem.targets.codings import Seen
    from vidmem.targets.samples import Sample
    from vidmem.values import Features, Guess


@dataclass(frozen=True, eq=False)
class Learned:
    """The state of a target model. One follows one object through one past."""

    step: int = 0  # frames seen so far
    samples: tuple[Sample, ...] = ()  # what it learns from, in the order it came
    weights: Mapping[int, float] = field(default_factory=dict)  # step of a sample -> how it counted in the latest fit
    filter: Tensor | None = None  # (K, C, a, a); None before the first fit
    due: int = 0  # steps of the solver to be made before it next looks
    freed: bool = False  # whether the fit that is due follows a prompt, which no regulariser holds back
    kept: Any = None  # the regulariser's
    frozen: float = 0.0  # share of the parameters that could not move in the latest fit
    fitted: int = -1  # the frame before which the latest fit was made; -1: none yet


@dataclass(frozen=True)
class Usage:
    """What is made of a target model's score map (h', w')."""

    use: Literal["always", "lost", "answer"] = "always"
    # always: every answer starts from it
    # lost: only where the answer without it held the object to be absent
    # answer: it is the answer; the model is asked what a prompt means and nothing else
    form: Literal["page", "mask"] = "page"
    # page: a page of memory made of the present frame and the score map, which the model attends
    # mask: the decoder's mask prompt; for weights that were trained with masks as prompts (nano was not)
    beside: bool = False  # whether the bank's memory is attended together with it
    lost_below: float = 0.0  # object score (a logit) at or below which an object counts as lost
    found_above: float = 0.0  # object score the second answer must exceed, beside that of the first
    found_pred_iou: float = 0.5  # and the belief in its best mask that takes

    def __post_init__(self) -> None:
        if self.use not in ("always", "lost", "answer") or self.form not in ("page", "mask"):
            raise ValueError(f"use is always, lost or answer, form page or mask; got {self.use!r}, {self.form!r}.")


class Target(Protocol):
    """Four verbs over a state that is never changed in place."""

    @property
    def usage(self) -> Usage: ...

    @property
    def backbone(self) -> str:
        """The image encoder it was trained for, as a model's `backbone` names it; "" goes with any."""
        ...

    def start(self) -> Learned:
        """The state that knows nothing."""
        ...

    def prepare(self, features: Features) -> Seen:
        """A frame as target models see it, once for all objects."""
        ...

    def look(self, state: Learned, seen: Seen, frame: int) -> tuple[Learned, Tensor | None]:
        """The state after what was due to be learned, and (h', w') logits of where it sees the object in a frame it was
        not told of; None when nothing was learned yet."""
        ...

    def learn(self, state: Learned, seen: Seen, guess: Guess) -> Learned:
        """The state once the answer for the frame is settled."""
        ...


targets: Catalog[Target] = Catalog(
    "target model",
    "vidmem.targets",
    {
        "filter": "vidmem.targets.filter:OnlineFilter",  # LWL's few-shot learner, arXiv 2003.11540
    },
)
