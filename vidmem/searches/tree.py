"""SAM2Long's constrained tree (arXiv 2410.16268, 3.2): a few pasts live side by side, and the likeliest answers.

The paper's part: each frame every past offers its candidates, and the best sums of log belief live on. Where no past is
certain of presence or absence, pasts of different masks are kept instead of the best alone.

Ours: pasts that are copies of each other cost nothing, since the loop asks, encodes and remembers each distinct one
once, which changes no answer. With `merge_after`, pasts whose masks stay the same become copies again; the published
tree never does that, and once it has branched it pays for every past to the end. `absent_score` is ours too.
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
    absent_score: float = 0.0  # belief in a past that says "absent"; 0 takes its pred_iou, as SAM2Long does
    merge_iou: float = 0.99  # masks that overlap so much are the same
    merge_after: int = 0  # frames in a row after which the same masks make one past of two; 0 never, as SAM2Long

    def __post_init__(self) -> None:
        if self.width < 1 or self.decimals < 0 or self.merge_after < 0 or self.epsilon <= 0:
            raise ValueError(
                "tree.width must be 1 or more, decimals and merge_after 0 or more, epsilon above 0; got "
                f"{self.width}, {self.decimals}, {self.merge_after}, {self.epsilon}."
            )
        if not 0 <= self.absent_score <= 1 or not 0 < self.merge_iou <= 1:
            raise ValueError(
                "tree.absent_score must be 0 to 1, merge_iou above 0 and up to 1; got "
                f"{self.absent_score}, {self.merge_iou}."
            )

    def select(
        self, histories: Sequence[History], offered: Sequence[Candidates], choice: Choice, present_above: float = 0.0
    ) -> Sequence[Branch]:
        beliefs = [choice.judge(history.choice, each) for history, each in zip(histories, offered, strict=True)]
        if len(histories) < self.width:  # the frame behind a prompt: one past is known, and its score is not counted
            return (Branch(0, beliefs[0].pick, beliefs[0]),) * self.width
        present = [each.object_score_logit > present_above for each in offered]
        ranked = sorted(self._grown(histories, beliefs, present), key=lambda branch: -branch.score)
        certain = max(abs(each.object_score_logit) for each in offered) > self.uncertain_below
        kept = ranked[: self.width] if certain else self._different(ranked, offered, present)
        best = kept[0].score  # only differences count, so that sums stay small on endless streams
        kept = [replace(branch, score=branch.score - best) for branch in kept]
        return self._merged(kept, histories, offered, present) if self.merge_after else kept

    def _grown(self, histories: Sequence[History], beliefs: Sequence[Belief], present: Sequence[bool]) -> list[Branch]:
        """Every past with every candidate of it, in that order."""
        branches = []
        for parent, (history, belief) in enumerate(zip(histories, beliefs, strict=True)):
            absent = self.absent_score > 0 and not present[parent]
            for pick, score in enumerate(belief.scores):
                gain = math.log((self.absent_score if absent else score) + self.epsilon)
                branches.append(Branch(parent, pick, belief, history.score + gain))
        return branches

    def _different(
        self, ranked: Sequence[Branch], offered: Sequence[Candidates], present: Sequence[bool]
    ) -> list[Branch]:
        """The best branches of different masks; where these are too few, the best of each past not yet heard."""
        kept: list[Branch] = []
        seen: set[float] = set()
        for branch in ranked:
            pred_iou = offered[branch.parent].pred_iou[branch.pick]
            signature = round(pred_iou if present[branch.parent] else -pred_iou, self.decimals)
            if signature not in seen and len(kept) < self.width:
                seen.add(signature)
                kept.append(branch)
        heard = {branch.parent for branch in kept}
        unheard = sorted(set(range(len(offered))) - heard)
        kept += [next(branch for branch in ranked if branch.parent == parent) for parent in unheard]
        return kept[: self.width]

    def _merged(
        self,
        kept: Sequence[Branch],
        histories: Sequence[History],
        offered: Sequence[Candidates],
        present: Sequence[bool],
    ) -> list[Branch]:
        """The branches, those replaced by the first whose masks have been its masks long enough."""
        first = kept[0]
        # Past 0 was the first before, so it agreed with itself; two pasts that agreed with it agreed with each other.
        before = [self.merge_after, *(history.agreed for history in histories[1:])]
        merged = [replace(first, agreed=self.merge_after)]
        for branch, same in zip(kept[1:], self._shows_the_same(kept, offered, present)[1:], strict=True):
            agreed = min(before[branch.parent], before[first.parent])
            if same is None:  # that nothing is seen tells nothing: what each remembers decides when it comes back
                merged.append(replace(branch, agreed=agreed))
            elif not same:
                merged.append(replace(branch, agreed=0))
            else:
                merged.append(merged[0] if agreed + 1 >= self.merge_after else replace(branch, agreed=agreed + 1))
        return merged

    def _shows_the_same(
        self, kept: Sequence[Branch], offered: Sequence[Candidates], present: Sequence[bool]
    ) -> list[bool | None]:
        """Whether each branch shows the mask of the first; None where neither of the two shows anything."""
        answers = [(id(offered[branch.parent]), branch.pick) for branch in kept]
        if len(set(answers)) == 1:  # copies, and the device need not be waited for
            return [True] * len(kept)
        shown = torch.stack([(offered[each.parent].masks[each.pick] > 0) & present[each.parent] for each in kept])
        either, both = (shown | shown[:1]).flatten(1).sum(1), (shown & shown[:1]).flatten(1).sum(1)
        counts = torch.stack((either, both), dim=1).tolist()
        return [shared >= joint * self.merge_iou if joint else None for joint, shared in counts]
