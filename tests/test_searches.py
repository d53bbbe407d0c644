"""Every search in the table keeps the promises of a search."""

from dataclasses import replace

import pytest
import torch
from dice import Dice, blank, mark

from vidmem import states
from vidmem.banks.gated import Gated
from vidmem.choices.argmax import Argmax
from vidmem.searches import History, searches
from vidmem.tracker import Tracker
from vidmem.values import Candidates

MANY = 16  # histories no search keeps more of by default


@pytest.fixture(params=list(searches))
def search(request):
    return searches[request.param]()


@pytest.fixture
def tracker(search):
    return Tracker(Dice(seed=3, doubt=6), Gated(min_pred_iou=0.3, min_object_score_logit=0.0), search=search)


def follow(tracker, frames, state=None, begin=0, prompts=(0,), object_id=1):
    """The state behind the last of `frames`, and every answer."""
    state, said = state or {}, []
    for index in range(begin, frames):
        state, track = tracker.step(state, blank(index), [mark(object_id)] if index in prompts else ())
        said.append(track.guesses)
    return state, said


def offer(logit: float, ratings: tuple[float, ...] = (0.4, 0.9, 0.6)) -> Candidates:
    return Candidates(torch.ones(3, 2, 2), ratings, torch.zeros(3, 2), torch.zeros(2), logit)


@pytest.mark.parametrize("logit", [8.0, 0.3, -0.3, -8.0])
def test_behind_a_prompt_the_choice_answers(search, logit):
    branches = search.select([History(None, None)], [offer(logit)], Argmax(), 0.0)
    assert branches[0].pick == 1 and all(branch.parent == 0 for branch in branches)


@pytest.mark.parametrize("logit", [8.0, 0.3, -8.0])
def test_what_lives_on_is_of_what_was_offered_the_best_first(search, logit):
    grown = search.select([History(None, None)], [offer(logit)], Argmax(), 0.0)
    histories = [History(None, None, branch.score, branch.agreed) for branch in grown]
    branches = search.select(histories, [offer(logit)] * len(histories), Argmax(), 0.0)
    assert 1 <= len(branches) <= MANY
    assert all(branch.parent < len(histories) and branch.pick < 3 for branch in branches)
    assert [branch.score for branch in branches] == sorted((branch.score for branch in branches), reverse=True)


def test_scores_and_histories_are_bounded_on_a_long_stream(tracker):
    state = {}
    for index in range(500):
        state, _ = tracker.step(state, blank(index), [mark()] if index == 0 else ())
        assert len(state[1]) <= MANY and all(-100 < history.score <= 0 for history in state[1])


def test_a_prompt_leaves_one_history_with_no_score(tracker):
    for prompts in ((0,), (0, 9), (0, 5, 9)):
        state, _ = follow(tracker, 10, prompts=prompts)
        if 9 in prompts:
            assert [history.score for history in state[1]] == [0]
    state, _ = follow(tracker, 1)
    assert [history.score for history in state[1]] == [0]


def test_the_same_past_always_grows_the_same(tracker):
    (one, said), (other, again) = follow(tracker, 15), follow(tracker, 15)
    assert [each.score for each in one[1]] == [each.score for each in other[1]]
    assert all(torch.equal(a[1].mask, b[1].mask) for a, b in zip(said, again, strict=True))


def test_an_old_state_is_an_undo_point(tracker):
    fork, _ = follow(tracker, 8)
    _, once = follow(tracker, 14, fork, 8)
    follow(tracker, 20, fork, 8, prompts=(9,))
    _, again = follow(tracker, 14, fork, 8)
    assert all(torch.equal(a[1].mask, b[1].mask) for a, b in zip(once, again, strict=True))


def test_a_saved_state_goes_on_as_the_one_it_was_saved_from(tracker, tmp_path):
    tracker = replace(tracker, emit="lag", lag=4)
    state, _ = follow(tracker, 9)
    states.save(state, tmp_path / "state.vmem")
    again, _ = states.load(tmp_path / "state.vmem")
    asked = tracker.model.questions
    asked.clear()
    one, said = follow(tracker, 16, state, 9)
    fresh, asked[:] = asked[:], []
    other, told = follow(tracker, 16, again, 9)
    assert asked == fresh, "what was shared is shared still"
    assert all(torch.equal(a[1].mask, b[1].mask) for a, b in zip(said, told, strict=True))
    assert [each.score for each in one[1]] == [each.score for each in other[1]]
    for mine, theirs in zip(one[1], other[1], strict=True):
        assert [guess.frame for guess in mine.trail] == [guess.frame for guess in theirs.trail]


def test_objects_do_not_know_of_each_other(tracker):
    state, together = {}, []
    for index in range(12):
        prompts = [mark(1)] if index == 0 else [mark(2)] if index == 4 else ()
        state, track = tracker.step(state, blank(index), prompts)
        together.append(track.guesses)
    for object_id, begin in ((1, 0), (2, 4)):
        _, alone = follow(tracker, 12, None, begin, (begin,), object_id)
        for a, b in zip(together[begin:], alone, strict=True):
            assert torch.equal(a[object_id].mask, b[object_id].mask)
