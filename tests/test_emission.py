"""When answers are given out: at once, later, or when they are settled."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from dice import Dice, blank, mark
from sam2long_literal import Literal

from vidmem import states
from vidmem.banks.gated import Gated
from vidmem.emission import Emission, release
from vidmem.errors import UsageError
from vidmem.searches.tree import Tree
from vidmem.session import Session
from vidmem.tracker import Tracker
from vidmem.values import Frame

PAPER = Gated(min_pred_iou=0.3, min_object_score_logit=0.0, modulation=(0.95, 1.05))
FRAMES = 40


def tracker(seed: int = 0, doubt: int = 4, **options) -> Tracker:
    return Tracker(Dice(seed, doubt), PAPER, search=options.pop("search", Tree()), **options)


def run(tracker: Tracker, frames: int = FRAMES, begins: dict[int, int] | None = None):
    """[(when it was given out, frame, guesses)] of a whole stream; begins: object id -> first frame."""
    begins = begins or {1: 0}
    prompts = {}
    for object_id, frame in begins.items():
        prompts.setdefault(frame, []).append(mark(object_id))
    now, given = -1, []

    def clock():
        nonlocal now
        for now in range(frames):
            yield blank(now)

    for _, frame, track in tracker.run(clock(), prompts):
        assert track.frame == frame.index and track.name == frame.name and track.time == frame.time
        given.append((now, frame.index, track.guesses))
    return given


def offline(tracker: Tracker, frames: int = FRAMES):
    """What the best past says of every frame, looking back from the end."""
    assert isinstance(tracker.model, Dice)
    slow = Literal(Dice(tracker.model.seed, tracker.model.doubt), drop_oldest_pointer=False)
    best, trails = [], []
    for index in range(frames):
        slow.step(blank(index), mark() if index == 0 else None)
        best.append(slow.answers()[-1])
        trails.append(slow.answers())
    return best, trails


def same(one, other) -> bool:
    return torch.equal(one.mask, other.mask) and one.visible == other.visible


@pytest.mark.parametrize("how", [dict(emit="best"), dict(emit="lag", lag=7), dict(emit="commit", lag=7)])
def test_every_frame_is_given_out_once_and_in_order(how):
    for frames in (1, 2, 7, 8, 9, FRAMES):
        assert [frame for _, frame, _ in run(tracker(3, **how), frames)] == list(range(frames))


def test_best_answers_at_once_with_the_past_believed_most_then():
    for seed in range(10):
        one = tracker(seed)
        best, _ = offline(one)
        given = run(one)
        assert all(now == frame for now, frame, _ in given)
        assert all(same(said[1], wanted) for (_, _, said), wanted in zip(given, best, strict=True))


@pytest.mark.parametrize("lag", [0, 1, 5, 16, 100])
def test_a_lag_answers_with_the_past_believed_most_so_many_frames_later(lag):
    for seed in range(6):
        one = tracker(seed, emit="lag", lag=lag)
        _, trails = offline(one)
        for now, frame, said in run(one):
            assert now == min(frame + lag, FRAMES - 1)
            assert same(said[1], trails[now][frame]), (seed, frame)


def test_an_answer_given_when_all_agree_is_the_offline_answer():
    early, total = 0, 0
    for seed in range(40):
        one = tracker(seed, doubt=seed % 6, emit="commit", lag=FRAMES)  # never forced
        _, trails = offline(one)
        for now, frame, said in run(one):
            assert same(said[1], trails[-1][frame]), (seed, frame)
            early, total = early + (now < FRAMES - 1), total + 1
    assert 0.3 < early / total < 1, "some must be given out before the end, and some not at once"


def test_no_answer_waits_for_agreement_longer_than_the_lag():
    waits = set()
    for seed in range(20):
        one = tracker(seed, emit="commit", lag=5)
        _, trails = offline(one)
        for now, frame, said in run(one):
            assert now <= frame + 5
            waits.add(now - frame)
            if now == frame + 5:  # forced, or agreed just then: the past believed most speaks
                assert same(said[1], trails[now][frame])
    assert {0, 5} <= waits


def test_pasts_that_saw_nothing_agree_whichever_candidate_said_so():
    """Else three copies of one absence would hold every answer back."""

    class Gone(Dice):
        def _throw(self, features, question):
            thrown = super()._throw(features, question)
            return replace(thrown, object_score_logit=-1.0) if features.frame else thrown

    assert all(now == frame for now, frame, _ in run(Tracker(Gone(1), PAPER, search=Tree(), emit="commit", lag=9)))


def test_a_single_past_is_always_agreed():
    assert all(now == frame for now, frame, _ in run(Tracker(Dice(1), PAPER, emit="commit", lag=9)))


def test_a_correction_settles_all_that_went_before():
    one = tracker(2, doubt=10, emit="commit", lag=30)
    prompts = {0: [mark()], 20: [mark()]}
    seen = iter(range(99))
    when = {}
    now = 0

    def clock():
        nonlocal now
        for now in range(30):
            next(seen)
            yield blank(now)

    for _, frame, _ in one.run(clock(), prompts):
        when[frame.index] = now
    assert max(when[frame] for frame in range(21)) == 20 and any(when[frame] == 20 for frame in range(5, 20))


def test_objects_are_given_out_together_when_all_of_them_are_settled():
    begins = {1: 0, 2: 6, 3: 13}
    together = run(tracker(4, emit="commit", lag=FRAMES), begins=begins)
    alone = {each: run(tracker(4, emit="commit", lag=FRAMES), begins={each: begin}) for each, begin in begins.items()}
    assert any(len(said) == 1 for _, _, said in together) and any(len(said) == 3 for _, _, said in together)
    for now, frame, said in together:
        assert set(said) == {each for each, begin in begins.items() if begin <= frame}
        for each in said:
            then, _, mine = alone[each][frame]
            assert then <= now and same(said[each], mine[each])


@pytest.mark.parametrize("emit", ["lag", "commit"])
def test_what_is_held_back_is_bounded(emit):
    one, state = tracker(5, doubt=9, emit=emit, lag=6), {}
    held: tuple[Frame, ...] = ()
    for index in range(300):
        state, _, held = one.advance(state, held, blank(index), [mark()] if index == 0 else ())
        assert len(held) <= 6
        assert all(len(history.trail) <= 6 for history in state[1])
        first = min((frame.index for frame in held), default=index + 1)
        assert all(guess.frame >= first for history in state[1] for guess in history.trail)


def test_nothing_is_held_back_where_answers_are_given_at_once():
    one, state, held = tracker(5, doubt=9), {}, ()
    for index in range(20):
        state, _, held = one.advance(state, held, blank(index), [mark()] if index == 0 else ())
        assert not held and not any(history.trail for history in state[1])


def test_a_saved_state_gives_out_what_it_held_back(tmp_path):
    one, state, held = tracker(6, doubt=8, emit="commit", lag=12), {}, ()
    for index in range(25):
        state, _, held = one.advance(state, held, blank(index), [mark()] if index == 0 else ())
    assert len(held) > 2
    states.save(state, tmp_path / "state.vmem")
    again, _ = states.load(tmp_path / "state.vmem")
    kept = held
    for index in range(25, 40):
        state, settled, held = one.advance(state, held, blank(index))
        again, likewise, kept = one.advance(again, kept, blank(index))
        assert [frame.index for frame, _ in settled] == [frame.index for frame, _ in likewise]
        assert all(same(a.guesses[1], b.guesses[1]) for (_, a), (_, b) in zip(settled, likewise, strict=True))


def test_an_object_that_is_let_go_is_left_out_of_what_is_still_held():
    one, state, held = tracker(6, doubt=10, emit="lag", lag=5), {}, ()
    for index in range(10):
        state, _, held = one.advance(state, held, blank(index), [mark(1), mark(2)] if index == 0 else ())
    state = {2: state[2]}
    _, settled, held = release(one.emission, state, held, ended=True)
    assert len(settled) == 5 and not held and all(set(track.guesses) == {2} for _, track in settled)


def test_a_session_answers_at_once_whatever_the_tracker_holds_back():
    from clips import as_source, squares

    clip = squares(8)
    source = as_source(clip)
    session = Session(tracker(3, doubt=10, emit="commit", lag=9), source)
    session, _ = session.prompt(0, mark())
    passed = [(onward, frame.index, track.frame) for onward, frame, track in session.propagate()]
    assert [(frame, answered) for _, frame, answered in passed] == [(index, index) for index in range(8)]
    plain, _ = Session(tracker(3, doubt=10), source).prompt(0, mark())
    *_, (same_as, _, _) = plain.propagate()
    assert states.nbytes(passed[-1][0].kept) == states.nbytes(same_as.kept), (
        "no trail is kept that nothing is given out of"
    )


@pytest.mark.parametrize("wrong", [dict(emit="sometimes"), dict(emit="lag", lag=-1)])
def test_an_emission_that_is_none_is_refused(wrong):
    with pytest.raises(UsageError, match="emit is best, lag or commit"):
        Emission(**wrong)
    with pytest.raises(UsageError, match="emit is best, lag or commit"):
        tracker(**wrong)
