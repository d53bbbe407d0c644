"""A frame flows through, whole."""

import pytest
import torch
from clips import as_source, iou, squares

import vidmem
from vidmem import states
from vidmem.errors import InputError, UsageError
from vidmem.models.toy import Toy
from vidmem.results import annotate
from vidmem.tracker import Tracker, without
from vidmem.values import Frame, Prompt


@pytest.fixture
def tracker():
    return Tracker(Toy())


def follow(tracker, clip, prompts, state=None):
    return [track for _, _, track in tracker.run(as_source(clip), prompts, state)]


def test_a_marked_object_is_followed_to_the_end(tracker):
    clip = squares()
    tracks = follow(tracker, clip, {0: [Prompt(1, mask=clip[0][1][1])]})
    assert min(iou(track.masks()[1], masks[1]) for track, (_, masks) in zip(tracks, clip, strict=True)) > 0.8


def test_an_old_state_is_an_undo_point(tracker):
    clip = squares(4)
    state, _ = tracker.step({}, clip[0][0], [Prompt(1, mask=clip[0][1][1])])
    once = tracker.step(state, clip[1][0])[1].labels()
    tracker.step(state, clip[3][0])
    assert torch.equal(once, tracker.step(state, clip[1][0])[1].labels())


def test_an_object_may_join_later(tracker):
    clip = squares(6, objects=2)
    tracks = follow(tracker, clip, {0: [Prompt(1, mask=clip[0][1][1])], 3: [Prompt(7, mask=clip[3][1][2])]})
    assert set(tracks[2].guesses) == {1} and set(tracks[5].guesses) == {1, 7}
    assert iou(tracks[5].masks()[7], clip[5][1][2]) > 0.8


def test_objects_do_not_know_of_each_other(tracker):
    clip = squares(12, objects=3)
    prompts = {i - 1: [Prompt(i, mask=clip[i - 1][1][i])] for i in (1, 2, 3)}
    together = follow(tracker, clip, prompts)
    for object_id in (1, 2, 3):
        alone = follow(tracker, clip, {object_id - 1: prompts[object_id - 1]})
        for a, b in zip(together, alone, strict=True):
            if object_id in b.guesses:
                assert torch.equal(a.guesses[object_id].mask, b.guesses[object_id].mask)


def test_an_object_that_is_removed_gives_its_bytes_back(tracker):
    clip = squares(20, objects=2)
    state, _ = tracker.step({}, clip[0][0], [Prompt(1, mask=clip[0][1][1])])
    for frame, _ in clip[1:]:
        state, _ = tracker.step(state, frame)
    with_one = states.nbytes(state)
    state, _ = tracker.step(state, clip[19][0], [Prompt(2, mask=clip[19][1][2])])
    assert states.nbytes(state) > with_one
    assert states.nbytes(without(state, 2)) == with_one


def test_removing_an_unknown_object_names_those_there_are(tracker):
    clip = squares(1)
    state, _ = tracker.step({}, clip[0][0], [Prompt(4, mask=clip[0][1][1])])
    with pytest.raises(InputError, match=r"no object 9 to remove. Followed now: 4"):
        without(state, 9)


def test_a_state_can_be_put_away_and_taken_up_again(tracker, tmp_path):
    clip = squares(6)
    state, _ = tracker.step({}, clip[0][0], [Prompt(1, mask=clip[0][1][1])])
    for frame, _ in clip[1:4]:
        state, _ = tracker.step(state, frame)
    states.save(state, tmp_path / "state.vmem", {"frame": 4})
    again, notes = states.load(tmp_path / "state.vmem")
    assert notes == {"frame": 4}
    for frame, _ in clip[4:]:
        state, one = tracker.step(state, frame)
        again, other = tracker.step(again, frame)
        assert torch.equal(one.guesses[1].mask, other.guesses[1].mask)


def test_a_video_is_followed_backwards_by_feeding_it_backwards(tracker):
    clip = squares()[::-1]
    tracks = follow(tracker, clip, {7: [Prompt(1, mask=clip[0][1][1])]})
    assert min(iou(track.masks()[1], masks[1]) for track, (_, masks) in zip(tracks, clip, strict=True)) > 0.8


def test_a_prompt_may_be_said_in_parts(tracker):
    frame, _ = squares(1)[0]
    box = Prompt(1, box=torch.tensor([2.0, 4, 18, 20]))
    point = Prompt(1, points=torch.tensor([[40.0, 40.0]]), labels=torch.tensor([1]))
    _, track = tracker.step({}, frame, [box, point])
    assert track.masks()[1][40, 40] and track.masks()[1][10, 10]


def test_a_shared_pixel_goes_to_the_surest_object_when_overlap_is_off(tracker):
    frame, masks = squares(1)[0]
    wide = torch.zeros(64, 64, dtype=torch.bool)
    wide[:, :40] = True
    _, track = tracker.step({}, frame, [Prompt(1, mask=masks[1]), Prompt(2, mask=wide)])
    shared = annotate(track)
    apart = annotate(track, overlap=False)
    assert (shared.objects[1].mask & shared.objects[2].mask).any()
    assert not (apart.objects[1].mask & apart.objects[2].mask).any()
    assert (shared.labels() == apart.labels()).all()


def test_an_answer_that_was_settled_is_taken_as_it_is(tracker):
    clip = squares(3)
    state, track = tracker.step({}, clip[0][0], [Prompt(1, mask=clip[0][1][1])])
    settled = track.guesses[1]
    again, same = tracker.step({}, clip[0][0], settled={1: settled})
    assert same.guesses[1] is settled
    assert torch.equal(tracker.step(state, clip[1][0])[1].labels(), tracker.step(again, clip[1][0])[1].labels())


def test_a_frame_of_the_wrong_layout_says_how_to_mend_it():
    with pytest.raises(ValueError, match="permute"):
        Frame(3, torch.zeros(48, 64, 3, dtype=torch.uint8))


@pytest.mark.parametrize(
    "given, complaint",
    [
        ({}, "empty"),
        ({"mask": torch.ones(2, 2, dtype=torch.bool), "box": torch.zeros(4)}, "a mask and points or a box"),
        ({"points": torch.zeros(2, 2), "labels": torch.ones(1)}, "one label"),
    ],
)
def test_a_prompt_that_contradicts_itself_is_refused(given, complaint):
    with pytest.raises(ValueError, match=complaint):
        Prompt(1, **given)


def test_one_line_follows_one_object(tmp_path):
    clip = squares(4)
    answers = vidmem.follow(as_source(clip), box=(2, 4, 18, 20), memory="sam2long", model="toy")
    assert [iou(track.masks()[1], masks[1]) > 0.8 for (_, track), (_, masks) in zip(answers, clip, strict=True)] == [
        True
    ] * 4
    with pytest.raises(UsageError, match="one of box=, point= and mask="):
        next(vidmem.follow(as_source(clip), model="toy"))
