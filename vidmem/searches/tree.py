"""SAM2Long's constrained tree (arXiv 2410.16268, 3.2): a few pasts live side by side, and the likeliest answers.

Each frame every past offers its candidates; the best sums of log belief live on. Where no past is certain of presence
or absence, pasts of different masks are kept instead of the best alone. Pasts that are copies of each other cost
nothing: the loop asks, encodes and remembers each distinct one once. With `merge_after`, pasts whose masks stay the
same become copies again, which is what keeps a tree about as cheap as a single path on long streams.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from vidmem.choices import Belief, Choice
from vidmem.searches import Branch, History
from vidmem.values import Candidates


@dataclass(frozen=True)
class Tree:
    """`width` pasts, chosen anew each frame among all their candidates."""

    width: int = 3  # SAM2Long: num_pathway, table 6
    uncertain_below: float = 2.0  # SAM2Long: delta_conf, of the greatest |object_score_logit| among the pasts
    epsilon: float = 1e-5  # SAM2Long: within the logarithm
    decimals: int = 2  # SAM2Long: pred_iou equal to so many decimals counts as the same mask
    absent_score: float = (
        0.0  # belief in a past that says "absent", where 0 means its pred_iou, as the reference has it
    )
    merge_iou: float = 0.99  # masks that overlap more are the same; not in the paper
    merge_after: int = 0  # frames in a row after which the same masks make one past of two; 0 never, as the reference

    def __post_init__(self) -> None:
        if self.width < 1 or self.decimals < 0 or self.merge_after < 0 or not 0 <= self.absent_score <= 1:
            raise ValueError(
                "tree.width must be 1 or more, decimals and merge_after 0 or more, absent_score 0 to 1; got "
                f"{self.width}, {self.decimals}, {self.merge_after}, {self.absent_score}."
            )

    def select(self, histories: Sequence[History], offered: Sequence[Candidates], choice: Choice) -> Sequence[Branch]:
        beliefs = [choice.judge(history.choice, each) for history, each in zip(histories, offered, strict=True)]
        if len(histories) < self.width:  # the frame behind a prompt: one past is known, and its score is not counted
            return (Branch(0, beliefs[0].pick, beliefs[0]),) * self.width
        ranked = sorted(self._grown(histories, offered, beliefs), key=lambda branch: -branch.score)
        certain = max(abs(each.object_score_logit) for each in offered) > self.uncertain_below
        kept = ranked[: self.width] if certain else self._different(ranked, offered)
        best = kept[0].score  # only differences count, so that sums stay small on endless streams
        kept = [replace(branch, score=branch.score - best) for branch in kept]
        return self._merged(kept, histories, offered) if self.merge_after else kept

    def _grown(
        self, histories: Sequence[History], offered: Sequence[Candidates], beliefs: Sequence[Belief]
    ) -> list[Branch]:
        """Every past with every candidate of it, in that order."""
        branches = []
        for parent, (history, candidates, belief) in enumerate(zip(histories, offered, beliefs, strict=True)):
            absent = self.absent_score > 0 and candidates.object_score_logit <= 0
            for pick, score in enumerate(belief.scores):
                gain = math.log((self.absent_score if absent else score) + self.epsilon)
                branches.append(Branch(parent, pick, belief, history.score + gain))
        return branches

    def _different(self, ranked: Sequence[Branch], offered: Sequence[Candidates]) -> list[Branch]:
        """The best branches of different masks; where these are too few, the best of each past not yet heard."""
        kept: list[Branch] = []
        seen: set[float] = set()
        for branch in ranked:
            candidates = offered[branch.parent]
            sign = 1 if candidates.object_score_logit > 0 else -1
            signature = round(sign * candidates.pred_iou[branch.pick], self.decimals)
            if signature not in seen and len(kept) < self.width:
                seen.add(signature)
                kept.append(branch)
        heard = {branch.parent for branch in kept}
        unheard = sorted(set(range(len(offered))) - heard)
        kept += [next(branch for branch in ranked if branch.parent == parent) for parent in unheard]
        return kept[: self.width]

    def _merged(
        self, kept: Sequence[Branch], histories: Sequence[History], offered: Sequence[Candidates]
    ) -> list[Branch]:
        """The branches, those replaced by the first whose masks have been its masks long enough."""
        shown = torch.stack([_shown(offered[branch.parent], branch.pick) for branch in kept]).flatten(1)
        joint, shared = (shown | shown[:1]).sum(1), (shown & shown[:1]).sum(1)
        same = (shared >= joint * self.merge_iou).tolist()
        merged = [kept[0]]
        for branch, equal in zip(kept[1:], same[1:], strict=True):
            agreed = histories[branch.parent].agreed + 1 if equal else 0
            merged.append(kept[0] if agreed >= self.merge_after else replace(branch, agreed=agreed))
        return merged


def _shown(candidates: Candidates, pick: int) -> torch.Tensor:
    """(h, w) bool: the mask as it would be answered."""
    return (candidates.masks[pick] > 0) & (candidates.object_score_logit > 0)
