"""SAMURAI's choice (arXiv 2411.11922, 4.1): believe the mask that moves as the object moved.

The filter is begun at the first answer and warms up on answers the model believes in. Once it has followed enough of
them without a break, a candidate is believed by its predicted IoU and by how well its box meets the one expected. An
answer that is not believed breaks the run: the motion is forgotten, and begun anew at the next answer.

The reference knows nothing of absence: an empty mask is to it a box in the corner of the picture, which drags the
motion there. Here an answer without an object breaks the run as a doubted one does, and a clear prompt, the surest
sight of the object there is, begins the motion. `follow_absent` and `begin_at_prompt` give both up, for parity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vidmem.choices import Belief
from vidmem.choices.boxes import EMPTY, Box, boxes_of, overlap
from vidmem.choices.kalman import Kalman, Moving

if TYPE_CHECKING:
    from vidmem.values import Candidates

FILTER = Kalman()


@dataclass(frozen=True)
class MotionState:
    moving: Moving | None = None  # where the object was last and how it moved; None: to be begun at the next answer
    steady: int = 0  # answers in a row that the motion followed, up to `steady_frames`


LOST = MotionState()


@dataclass(frozen=True)
class Motion:
    """Predicted IoU, blended with the overlap of the candidate's box and the one the motion leads to."""

    weight: float = 0.15  # of the overlap. SAMURAI: 0.15 for the large model, 0.25 for tiny, small and base+
    steady_frames: int = 15  # SAMURAI: stable_frames_threshold, answers to follow before the overlap counts
    min_pred_iou: float = 0.3  # SAMURAI: stable_ious_threshold, belief an answer needs to be followed
    present_above: float = 0.0  # object score (a logit) an answer needs to be followed; that of the loop, SAMURAI -1
    follow_absent: bool = False  # the reference follows an empty mask into the corner (sam2_base.py, 426-432)
    begin_at_prompt: bool = True  # the reference is not told of masks, boxes and several points (sam2_base.py, 507)

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1 or self.steady_frames < 1:
            raise ValueError(
                f"motion.weight must be 0 to 1 and steady_frames 1 or more; got {self.weight}, {self.steady_frames}."
            )

    def start(self) -> MotionState:
        return LOST

    def judge(self, state: MotionState, candidates: Candidates) -> Belief:
        if state.moving is None or state.steady < self.steady_frames or _is_clear(candidates):
            return Belief(candidates.pred_iou)
        expected = FILTER.predict(state.moving).box
        overlaps = tuple(overlap(expected, box) for box in self._boxes(candidates))
        blend = zip(overlaps, candidates.pred_iou, strict=True)
        return Belief(tuple(self.weight * met + (1 - self.weight) * iou for met, iou in blend), overlaps)

    def learn(self, state: MotionState, candidates: Candidates, pick: int) -> MotionState:
        if _is_clear(candidates):
            return self._begun(candidates, pick) if self.begin_at_prompt else state
        if state.moving is None:
            return self._begun(candidates, pick)
        box = self._boxes(candidates)[pick]
        gone = box == EMPTY and not self.follow_absent
        if gone or not self._follows(state, candidates.pred_iou[pick]):
            return LOST
        moving = FILTER.update(FILTER.predict(state.moving), box)
        return MotionState(moving, min(state.steady + 1, self.steady_frames))

    def _begun(self, candidates: Candidates, pick: int) -> MotionState:
        box = self._boxes(candidates)[pick]
        gone = box == EMPTY and not self.follow_absent
        return LOST if gone else MotionState(FILTER.start(box), 1)

    def _follows(self, state: MotionState, pred_iou: float) -> bool:
        """Whether an answer is believed enough to go on. Just enough will do once steady only, as in the reference."""
        if state.steady < self.steady_frames:
            return pred_iou > self.min_pred_iou
        return pred_iou >= self.min_pred_iou

    def _boxes(self, candidates: Candidates) -> tuple[Box, ...]:
        """The boxes of the masks as they would be answered: all empty where the object is held to be absent."""
        if candidates.object_score_logit > self.present_above:
            return boxes_of(candidates)
        return (EMPTY,) * len(candidates.pred_iou)


def _is_clear(candidates: Candidates) -> bool:
    """Whether they answer a clear prompt: there is nothing to choose."""
    return len(candidates.pred_iou) == 1
