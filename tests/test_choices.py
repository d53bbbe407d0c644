"""Every choice in the table keeps the promises of a choice."""

import pytest
from offers import moving, offer, square

from vidmem import states
from vidmem.choices import choices

ABSENT = -6.0


@pytest.fixture(params=list(choices))
def choice(request):
    return choices[request.param]()


def after(choice, frames: int, state=None, start: int = 0):
    """The state of a choice that saw `frames` frames, with a clear prompt, absences and doubts on the way."""
    state = choice.start() if state is None else state
    for frame in range(start, start + frames):
        candidates = offer([square(0, 8)]) if frame == 0 else moving(frame, ABSENT if frame % 40 == 39 else 5.0)
        state = choice.learn(state, candidates, choice.judge(state, candidates).pick)
    return state


def test_each_candidate_is_believed_between_0_and_1(choice):
    state = choice.start()
    for frame in range(60):
        candidates = moving(frame, ABSENT if frame in (25, 26) else 5.0, (0.0, 1.0, 0.2))
        belief = choice.judge(state, candidates)
        assert len(belief.scores) == 3 and all(0 <= score <= 1 for score in belief.scores)
        if belief.motion_iou is not None:
            assert len(belief.motion_iou) == 3 and all(0 <= each <= 1 for each in belief.motion_iou)
        state = choice.learn(state, candidates, belief.pick)


def test_a_clear_prompt_has_one_answer(choice):
    for state in (choice.start(), after(choice, 30)):
        candidates = offer([square(3, 3)])
        assert choice.judge(state, candidates).pick == 0
        choice.learn(state, candidates, 0)


def test_nothing_is_expected_before_anything_was_seen(choice):
    assert choice.judge(choice.start(), moving(0)).motion_iou is None


def test_judging_and_learning_leave_the_old_state_as_it_was(choice):
    state = after(choice, 30)
    before, again = choice.judge(state, moving(30)), after(choice, 30)
    choice.learn(state, moving(30), 1)
    choice.learn(state, moving(31, ABSENT), 0)
    assert choice.judge(state, moving(30)) == before and state == again


def test_the_same_past_always_judges_the_same(choice):
    one, other = after(choice, 50), after(choice, 50)
    assert one == other and choice.judge(one, moving(50)) == choice.judge(other, moving(50))


def test_two_futures_of_one_state_do_not_meet(choice):
    fork = after(choice, 35)
    one = after(choice, 3, fork, 35)
    choice.learn(fork, offer([square(1, 25), square(25, 1), square(9, 9)]), 1)
    assert after(choice, 3, fork, 35) == one


def test_any_candidate_may_be_learned_from_not_only_the_one_believed_most(choice):
    state = choice.start()
    for frame in range(40):
        state = choice.learn(state, moving(frame), frame % 3)
    assert len(choice.judge(state, moving(40)).scores) == 3


def test_a_saved_state_goes_on_as_the_one_it_was_saved_from(choice, tmp_path):
    state = after(choice, 33)
    states.save((state,), tmp_path / "state.vmem")
    (again,), _ = states.load(tmp_path / "state.vmem")
    for frame in range(33, 70):
        candidates = moving(frame, ABSENT if frame == 40 else 5.0)
        belief = choice.judge(state, candidates)
        assert choice.judge(again, candidates) == belief
        state, again = (choice.learn(each, candidates, belief.pick) for each in (state, again))
    assert state == again


def test_a_state_does_not_grow_on_a_long_stream(choice, tmp_path):
    sizes = []
    for frames in (60, 380):  # both some way behind an absence
        states.save((after(choice, frames),), tmp_path / "state.vmem")
        sizes.append((tmp_path / "state.vmem").stat().st_size)
    assert sizes[1] <= sizes[0] + 64, "a number may take a few letters more"
