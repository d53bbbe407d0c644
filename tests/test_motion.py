"""SAMURAI's choice: when motion counts, when it is lost, and what the reference does otherwise."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from offers import moving, offer, square

from vidmem.choices.boxes import EMPTY, Box, boxes_of, overlap
from vidmem.choices.kalman import Kalman
from vidmem.choices.motion import LOST, Motion, MotionState
from vidmem.values import Candidates

REFERENCE = dict(follow_absent=True, begin_at_prompt=False)
DOUBTED, JUST = (0.2, 0.1, 0.05), (0.3, 0.1, 0.05)
NOTHING = torch.full((32, 32), -8.0)
NO_MASKS = torch.zeros(3, 0)


def follow(choice: Motion, frames: int, state: MotionState = LOST, pred_iou=(0.1, 0.8, 0.0)) -> MotionState:
    for frame in range(frames):
        candidates = moving(frame, pred_iou=pred_iou)
        state = choice.learn(state, candidates, choice.judge(state, candidates).pick)
    return state


def test_fifteen_answers_are_followed_before_motion_counts():
    choice, state = Motion(), LOST
    for frame in range(15):
        assert choice.judge(state, moving(frame)).motion_iou is None
        state = choice.learn(state, moving(frame), 1)
    belief = choice.judge(state, moving(15))
    assert belief.motion_iou is not None and belief.motion_iou[1] > 0.6 and belief.motion_iou[::2] == (0.0, 0.0)


def test_the_candidate_that_moves_as_the_object_did_wins_a_close_race():
    state = follow(Motion(), 20)
    close = moving(20, pred_iou=(0.80, 0.78, 0.5))
    assert Motion().judge(LOST, close).pick == 0
    belief = Motion().judge(state, close)
    assert belief.pick == 1
    assert belief.motion_iou is not None and belief.scores[1] == 0.15 * belief.motion_iou[1] + 0.85 * 0.78
    assert Motion().judge(state, moving(20, pred_iou=(0.95, 0.5, 0.5))).pick == 0


@pytest.mark.parametrize("options", [{}, REFERENCE])
def test_while_warming_up_belief_must_pass_the_threshold_and_once_steady_must_reach_it(options):
    choice = Motion(**options)
    warming, steady = follow(choice, 14), follow(choice, 15)
    assert (warming.steady, steady.steady) == (14, 15)
    just, more = moving(15, pred_iou=JUST), moving(15, pred_iou=(0.30001, 0.1, 0.05))
    assert choice.learn(warming, just, 0) == LOST and choice.learn(warming, more, 0).steady == 15
    assert choice.learn(steady, just, 0).steady == 15 and choice.learn(steady, moving(15, pred_iou=DOUBTED), 0) == LOST


@pytest.mark.parametrize("options", [{}, REFERENCE])
def test_after_a_doubted_answer_the_motion_begins_anew_at_the_next_whatever_its_belief(options):
    choice = Motion(**options)
    lost = choice.learn(follow(choice, 30), moving(30, pred_iou=DOUBTED), 0)
    again = choice.learn(lost, moving(31, pred_iou=DOUBTED), 0)
    assert again == MotionState(Kalman().start(boxes_of(moving(31))[0]), 1)


@pytest.mark.parametrize("candidates", [moving(20, -0.5), offer([NOTHING] * 3), moving(20, 0.0)])
def test_an_answer_without_an_object_breaks_the_run(candidates):
    choice = Motion()
    lost = choice.learn(follow(choice, 20), candidates, 0)
    assert lost == LOST and choice.learn(lost, candidates, 0) == LOST
    assert choice.judge(lost, moving(21)).motion_iou is None


def test_what_counts_as_present_is_the_trackers_to_say():
    faint = moving(20, -0.5)
    assert Motion(present_above=-1.0).learn(follow(Motion(), 20), faint, 1).steady == 15
    assert Motion(present_above=-0.5).learn(follow(Motion(), 20), faint, 1) == LOST


def test_the_reference_follows_an_empty_mask_into_the_corner():
    choice = Motion(**REFERENCE, present_above=-1.0)
    assert choice.learn(LOST, moving(0, -2.0), 0) == MotionState(Kalman().start(EMPTY), 1)
    state = follow(choice, 20)
    dragged = choice.learn(state, moving(20, -2.0), 0)
    assert state.moving is not None and dragged.moving is not None and dragged.steady == 15
    assert dragged.moving == Kalman().update(Kalman().predict(state.moving), EMPTY)
    belief = choice.judge(dragged, moving(21, -2.0))
    assert belief.motion_iou == (0.0, 0.0, 0.0), "the masks of an absent object are blank"


def test_a_clear_prompt_begins_the_motion_where_it_says():
    there = offer([square(4, 20)])
    begun = Motion().learn(follow(Motion(), 20), there, 0)
    assert begun == MotionState(Kalman().start(boxes_of(there)[0]), 1)
    untouched = follow(Motion(**REFERENCE), 20)
    assert Motion(**REFERENCE).learn(untouched, there, 0) == untouched


def test_a_prompt_of_nothing_begins_no_motion():
    assert Motion().learn(follow(Motion(), 20), offer([NOTHING]), 0) == LOST


def test_boxes_are_those_of_the_mask_at_the_models_size():
    blank = torch.full((8, 8), -8.0)
    one = blank.clone()
    one[2, 5] = 8.0
    assert boxes_of(offer([one, blank]))[0] == (20.0, 8.0, 23.0, 11.0)
    assert boxes_of(offer([one, blank]))[1] == EMPTY
    assert boxes_of(offer([torch.full((8, 6), 8.0)]))[0] == (0.0, 0.0, 23.0, 31.0)


def test_one_wait_for_the_device_a_judgement_and_none_to_learn_from_it(monkeypatch):
    waits = []
    real = torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda tensor: waits.append(1) or real(tensor))
    for name in ("item", "__bool__", "__float__", "__int__", "numpy", "cpu"):
        monkeypatch.setattr(torch.Tensor, name, lambda tensor, *_: pytest.fail("waits for the device once more"))
    choice, state = Motion(), LOST
    for frame in range(30):
        candidates = moving(frame)
        before = len(waits)
        belief = choice.judge(state, candidates)
        assert len(waits) - before == (1 if belief.motion_iou else 0)
        state = choice.learn(state, candidates, belief.pick)
        assert len(waits) - before == 1


class Literal:
    """SAMURAI's states as its reference walks them, in plain words over the same filter."""

    def __init__(self):
        self.filter, self.stable, self.kalman = None, 0, Kalman()

    def frame(self, ious: list[float], around: list[Box]) -> tuple[int, float | None]:
        """Which candidate is taken, and how well its box meets the expected one."""
        if self.filter is None or self.stable == 0:
            best = ious.index(max(ious))
            self.filter, self.stable = self.kalman.start(around[best]), self.stable + 1
            return best, None
        self.filter = self.kalman.predict(self.filter)
        if self.stable < 15:
            best = ious.index(max(ious))
            if ious[best] > 0.3:
                self.filter, self.stable = self.kalman.update(self.filter, around[best]), self.stable + 1
            else:
                self.stable = 0
            return best, None
        met = [overlap(self.filter.box, each) for each in around]
        blend = [0.25 * m + (1 - 0.25) * i for m, i in zip(met, ious, strict=True)]
        best = blend.index(max(blend))
        if ious[best] < 0.3:
            self.stable = 0
        else:
            self.filter = self.kalman.update(self.filter, around[best])
        return best, met[best]


rated = st.sampled_from([0.1, 0.29, 0.3, 0.31, 0.5, 0.7, 0.9])
place = st.sampled_from([EMPTY, (3.0, 4.0, 3.0, 9.0), (40.0, 10.0, 60.0, 50.0), (2.0, 2.0, 90.0, 80.0)])
near = st.integers(-6, 6).map(lambda off: (20.0 + off, 30.0, 52.0 + off, 70.0 - off))
answers = st.tuples(
    st.tuples(rated | st.just(0.8), rated, rated),
    st.tuples(near, place, place | near),
    st.sampled_from([5.0] * 8 + [0.5, 0.0, -0.9, -1.0, -3.0]),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(answers, min_size=1, max_size=30), st.integers(0, 20))
def test_with_the_references_flags_every_state_is_the_references(later, quiet):
    literal, choice, state = Literal(), Motion(weight=0.25, present_above=-1.0, **REFERENCE), LOST
    settled = [((0.8, 0.5, 0.1), ((20.0, 30.0, 52.0, 70.0), EMPTY, EMPTY), 5.0)] * quiet
    for ious, around, score in settled + later:
        candidates = Candidates(NO_MASKS, ious, NO_MASKS, NO_MASKS, score)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("vidmem.choices.motion.boxes_of", lambda _, known=around: known)
            belief = choice.judge(state, candidates)
            state = choice.learn(state, candidates, belief.pick)
        motion_iou = None if belief.motion_iou is None else belief.motion_iou[belief.pick]
        shown = [box if score > -1 else EMPTY for box in around]
        assert (belief.pick, motion_iou) == literal.frame(list(ious), shown)
        assert state.steady == literal.stable
        assert state.steady == 0 or state.moving == literal.filter


@pytest.mark.parametrize("options", [{"weight": 1.5}, {"weight": -0.1}, {"steady_frames": 0}])
def test_a_choice_that_cannot_be_is_refused(options: dict[str, Any]):
    with pytest.raises(ValueError, match=next(iter(options))):
        Motion(**options)
