"""A person at work: mark, follow, correct, take back, undo, go on."""

import pytest
import torch
from clips import as_source, iou, squares

from vidmem.checkpoints import Checkpoints
from vidmem.errors import InputError
from vidmem.models.toy import Toy
from vidmem.session import Session
from vidmem.tracker import Tracker
from vidmem.values import Prompt

CLIP = squares(12, objects=3)


def mark(object_id: int, frame: int) -> Prompt:
    return Prompt(object_id, mask=CLIP[frame][1][object_id])


def point(object_id: int, x: float, y: float, label: int = 1) -> Prompt:
    return Prompt(object_id, points=torch.tensor([[x, y]]), labels=torch.tensor([label]))


@pytest.fixture
def session():
    return Session(Tracker(Toy()), as_source(CLIP))


def answers(session, start=None, stop=None, backwards=False):
    """The last session and {frame: {object: logits}} of a whole propagation."""
    said, latest = {}, session
    for onward, frame, track in session.propagate(start, stop, backwards):
        latest = onward
        said[frame.index] = {object_id: guess.mask for object_id, guess in track.guesses.items()}
    return latest, said


def same(one, other):
    assert one.keys() == other.keys()
    for frame in one:
        assert one[frame].keys() == other[frame].keys()
        assert all(torch.equal(one[frame][i], other[frame][i]) for i in one[frame])


def test_a_correction_sticks_when_the_video_is_followed_again(session):
    session, _ = session.prompt(0, mark(1, 0))
    session, _ = answers(session)
    session, corrected = session.prompt(5, point(1, 60, 60))
    assert corrected.masks()[1][60, 60]
    session, again = answers(session, start=0)
    assert torch.equal(again[5][1], corrected.guesses[1].mask)


def test_following_again_from_the_correction_equals_following_from_the_start(session):
    session, _ = session.prompt(0, mark(1, 0))
    session, _ = answers(session)
    session, _ = session.prompt(5, point(1, 60, 60))
    _, from_there = answers(session, start=5)
    _, from_start = answers(session, start=0)
    same(from_there, {frame: said for frame, said in from_start.items() if frame >= 5})


def test_a_correction_that_is_taken_back_leaves_no_trace(session):
    session, _ = session.prompt(0, mark(1, 0))
    session, plain = answers(session)
    session, _ = session.prompt(5, point(1, 60, 60))
    session, changed = answers(session)
    assert not torch.equal(changed[5][1], plain[5][1])
    _, after = answers(session.unprompt(5, 1))
    same(after, plain)


def test_an_object_of_which_nothing_is_left_takes_its_name_along(session):
    session, _ = session.prompt(0, mark(1, 0))
    session = session.rename(1, "red").unprompt(0, 1)
    assert (session.objects, session.kept.names) == ([], {})
    session, track = session.prompt(0, mark(1, 0))
    assert session.kept.names == {} and track.masks()[1].any()


def test_undo_is_the_session_before(session):
    before, _ = session.prompt(0, mark(1, 0))
    before, plain = answers(before)
    changed, _ = before.prompt(3, point(1, 60, 60))
    answers(changed)
    _, again = answers(before, start=0)
    same(again, plain)


def test_few_checkpoints_give_the_same_answers_as_many():
    tracker, source = Tracker(Toy()), as_source(CLIP)
    outcomes = []
    for limit in (3, 64):
        session = Session(tracker, source)
        session = Session(tracker, source, type(session.kept)(checkpoints=Checkpoints(limit)))
        session, _ = session.prompt(0, mark(1, 0))
        session, _ = answers(session)
        session, _ = session.prompt(7, point(1, 60, 60))
        outcomes.append(answers(session, start=6)[1])
    same(*outcomes)


def test_checkpoints_are_bounded_and_reach_both_ends():
    kept = Checkpoints(limit=16)
    for frame in range(1000):
        kept = kept.put(frame, frame)
    assert len(kept.states) == 16 and 0 in kept.states and all(frame in kept.states for frame in range(993, 1000))
    gaps = [b - a for a, b in zip(sorted(kept.states), sorted(kept.states)[1:], strict=False)]
    assert max(gaps) < 400, gaps


def test_an_object_that_leaves_does_not_change_the_others(session):
    session, _ = session.prompt(0, mark(1, 0))
    session, alone = answers(session)
    session, _ = session.prompt(2, mark(2, 2))
    session, _ = answers(session)
    session = session.remove(2)
    assert session.objects == [1]
    _, after = answers(session, start=0)
    same(after, alone)


def test_going_backwards_reaches_the_frames_before_the_prompt(session):
    session, _ = session.prompt(8, mark(2, 8))
    _, said = answers(session, backwards=True)
    assert list(said) == [8, 7, 6, 5, 4, 3, 2, 1, 0]
    tracks = {frame.index: track for _, frame, track in session.propagate(backwards=True)}
    assert min(iou(tracks[t].masks()[2], CLIP[t][1][2]) for t in range(9)) > 0.8


def test_more_points_on_a_frame_add_to_those_before(session):
    session, _ = session.prompt(0, point(1, 10, 10))
    session, track = session.prompt(0, point(1, 50, 50))
    assert track.masks()[1][10, 10] and track.masks()[1][50, 50]
    asked = session.kept.asked[0][1].prompt
    assert asked.points is not None and asked.points.shape == (2, 2)


def test_a_saved_session_goes_on_identically(session, tmp_path):
    session, _ = session.prompt(0, mark(1, 0))
    session, _ = session.prompt(0, mark(2, 0))
    session = session.rename(2, "green")
    session = next(later for later, frame, _ in session.propagate() if frame.index == 6)
    session.save(tmp_path / "work.vmem")
    again = Session.load(tmp_path / "work.vmem", session.tracker, session.source)
    assert again.kept.names == {2: "green"}
    same(answers(session, start=7)[1], answers(again, start=7)[1])


def test_a_session_of_another_model_is_refused(session, tmp_path):
    session, _ = session.prompt(0, mark(1, 0))
    session.save(tmp_path / "work.vmem")

    class Other(Toy):
        @property
        def spec(self):
            from dataclasses import replace

            return replace(super().spec, name="other")

    with pytest.raises(InputError, match="made with the model 'toy', this tracker has 'other'"):
        Session.load(tmp_path / "work.vmem", Tracker(Other()), session.source)


@pytest.mark.parametrize(
    "wrong, complaint",
    [
        (lambda s: list(s.propagate()), "Nothing was marked"),
        (lambda s: s.prompt(99, mark(1, 0)), "no frame 99"),
        (lambda s: s.unprompt(0, 1), "Nothing was said of object 1 in frame 0"),
        (lambda s: s.remove(3), "no object 3 to remove"),
        (lambda s: s.rename(3, "x"), "no object 3 to rename"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(session, wrong, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        wrong(session)
    assert "\n" not in str(caught.value)
