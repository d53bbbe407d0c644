"""LWL's target model (Bhat et al. 2020, arXiv 2003.11540): one convolution over frozen features.

It is fitted to the prompts and to the tracker's own answers by Gauss-Newton steepest descent. How masks are told to it
and read from it is a coding's business, which answers are learned from a sample memory's, and what must not be
unlearned a regulariser's; any goes with any.

[S] LWL: 3 x 3, 16 channels, no bias, zero at the start, 20 steps on the first frame, 3 in an update, an update in every
frame (pytracking 7eb9e74b, parameter/lwl/lwl_ytvos.py). [C] What was due is learned when the next frame comes, as that
frame may say what is worth learning; the whole frame is looked at and not a window around the object, and the masks of
several objects are not merged before they are learned from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from vidmem.targets import Learned, Usage
from vidmem.targets.codings import Coding, Seen
from vidmem.targets.codings.cells import Cells
from vidmem.targets.regularisers import Hold, Regulariser
from vidmem.targets.regularisers.none import Free
from vidmem.targets.samples import Sample, Samples
from vidmem.targets.samples.lwl import Lwl
from vidmem.targets.solver import Fitted, Problem, descend, respond
from vidmem.values import Features, Guess

KEPT = torch.float16  # of samples; their numbers are about 1 / (3 sqrt(C)), or 0 to 1


@dataclass(frozen=True)
class OnlineFilter:
    """A filter that is learned while it is used."""

    samples: Samples = field(default_factory=Lwl)
    regulariser: Regulariser = field(default_factory=Free)
    coding: Coding = field(default_factory=Cells)
    usage: Usage = field(default_factory=Usage)
    size: int = 3  # side of the filter, in cells. LWL: 3
    start_steps: int = 20  # of the solver, after a prompt. LWL: net_opt_iter
    update_steps: int = 3  # in an update. LWL: net_opt_update_iter
    every: int = 1  # frames from one update to the next, at least. LWL: train_skipping 1; its box form 5
    min_pred_iou: float = 0.5  # an answer is learned from above this, where the object is seen. [C] LWL learns from all

    def __post_init__(self) -> None:
        if self.size < 1 or self.size % 2 == 0 or self.start_steps < 1 or self.update_steps < 1 or self.every < 1:
            raise ValueError(
                "filter.size must be odd, start_steps, update_steps and every 1 or more; got "
                f"{self.size}, {self.start_steps}, {self.update_steps}, {self.every}."
            )

    @property
    def backbone(self) -> str:
        return self.coding.backbone

    def start(self) -> Learned:
        return Learned(kept=self.regulariser.start())

    def prepare(self, features: Features) -> Seen:
        seen = self.coding.prepare(features)
        return replace(seen, deep=seen.deep.to(KEPT))

    def look(self, state: Learned, seen: Seen, frame: int) -> tuple[Learned, Tensor | None]:
        if not state.samples:
            return state, None
        if state.due:
            state = self._fitted(state, seen.deep, frame)
        assert state.filter is not None
        return state, self.coding.decode(respond(seen.deep.float()[None], state.filter)[0], seen)

    def learn(self, state: Learned, seen: Seen, guess: Guess) -> Learned:
        after = replace(state, step=state.step + 1)
        latest = max((each.step for each in state.samples), default=-self.every)
        believed = guess.visible and guess.pred_iou > self.min_pred_iou and state.step - latest >= self.every
        if not guess.prompted and not (believed and state.samples):
            return after
        grid = seen.deep.shape[1], seen.deep.shape[2]
        label, spatial = (each.to(KEPT) for each in self.coding.encode(guess.mask.float().sigmoid(), grid))
        new = Sample(
            guess.frame,
            state.step,
            seen.deep,
            label,
            spatial,
            guess.prompted,
            pred_iou=guess.pred_iou,
            object_score_logit=guess.object_score_logit,
        )
        due = self.start_steps if guess.prompted else max(state.due, self.update_steps)
        samples = self.samples.keep(state.samples, new)
        return replace(after, samples=samples, due=due, freed=state.freed or guess.prompted)

    def _fitted(self, state: Learned, seen: Tensor, frame: int) -> Learned:
        """The state after the steps that were due."""
        weights = self.samples.weigh(state.samples, seen)
        before = self._blank(state) if state.filter is None else state.filter
        hold = Hold() if state.freed else self.regulariser.hold(state.kept, before)
        fitted = self._descended(state, weights, before, hold)
        kept: Any = self.regulariser.learn(state.kept, fitted)
        return replace(
            state,
            weights={each.step: weight for each, weight in zip(state.samples, weights, strict=True)},
            filter=fitted.filter,
            due=0,
            freed=False,
            kept=kept,
            frozen=hold.share,
            fitted=frame,
        )

    def _descended(self, state: Learned, weights: tuple[float, ...], before: Tensor, hold: Hold) -> Fitted:
        """The fit to the samples that count."""
        active = [(each, weight) for each, weight in zip(state.samples, weights, strict=True) if weight > 0]
        labels = torch.stack([each.label for each, _ in active]).float()
        spatial = torch.stack([each.spatial for each, _ in active]).float()
        counted = torch.tensor([weight for _, weight in active], device=labels.device)
        problem = Problem(
            torch.stack([each.features for each, _ in active]).float(),
            labels,
            spatial * counted[:, None, None, None],
            self.coding.decay,
            hold.strength,
            hold.anchor,
            hold.frozen,
        )
        return descend(problem, before, state.due)

    def _blank(self, state: Learned) -> Tensor:
        """The filter that says nothing."""
        one = state.samples[0]
        shape = (one.label.shape[0], one.features.shape[0], self.size, self.size)
        return torch.zeros(shape, device=one.features.device)
