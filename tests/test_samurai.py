"""The cards of this family follow several objects, prompted anywhere, and carry nothing over from one to another."""

import pytest
import torch
from clips import as_source, iou, squares

from vidmem import compose, states
from vidmem.choices.motion import MotionState
from vidmem.models.toy import Toy
from vidmem.session import Session
from vidmem.values import Prompt

CARDS = ["samurai", "samurai-parity", "sam3-filter", "long-samurai"]


@pytest.fixture(params=CARDS)
def tracker(request):
    return compose.load(request.param, Toy())


def follow(tracker, clip, prompts):
    return [track for _, _, track in tracker.run(as_source(clip), prompts)]


def mark(clip, frame: int, object_id: int) -> Prompt:
    return Prompt(object_id, mask=clip[frame][1][object_id])


def test_objects_that_begin_at_different_frames_are_followed_as_if_each_were_alone(tracker):
    clip = squares(30, objects=3)
    prompts = {at: [mark(clip, at, object_id)] for object_id, at in ((1, 0), (2, 4), (3, 9))}
    together = follow(tracker, clip, prompts)
    for at, (prompt,) in prompts.items():
        object_id = prompt.object_id
        alone = follow(tracker, clip, {at: [prompt]})
        for frame in range(at, len(clip)):
            assert torch.equal(together[frame].guesses[object_id].mask, alone[frame].guesses[object_id].mask)
        assert iou(alone[-1].masks()[object_id], clip[-1][1][object_id]) > 0.8


def test_a_second_video_begins_with_nothing_of_the_first(tracker):
    clip = squares(20)
    first, second = (follow(tracker, clip, {0: [mark(clip, 0, 1)]}) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.guesses[1].mask, other.guesses[1].mask)


def test_a_late_prompt_is_heeded_and_a_saved_run_goes_on_as_it_was(tracker, tmp_path):
    clip = squares(26)
    state, _ = tracker.step({}, clip[0][0], [mark(clip, 0, 1)])
    for frame, _ in clip[1:18]:
        state, _ = tracker.step(state, frame)
    state, track = tracker.step(state, clip[18][0], [mark(clip, 18, 1)])
    assert iou(track.masks()[1], clip[18][1][1]) > 0.9
    states.save(state, tmp_path / "state.vmem")
    again, _ = states.load(tmp_path / "state.vmem")
    for frame, _ in clip[19:]:
        state, one = tracker.step(state, frame)
        again, other = tracker.step(again, frame)
        assert torch.equal(one.guesses[1].mask, other.guesses[1].mask)


def test_a_frame_can_be_corrected_and_followed_from_again(tracker):
    clip = squares(24)
    begun, _ = Session(tracker, as_source(clip)).prompt(0, mark(clip, 0, 1))
    *_, (followed, _, _) = begun.propagate()
    corrected, _ = followed.prompt(20, mark(clip, 20, 1))
    *_, (_, _, last) = corrected.propagate(20)
    assert iou(last.masks()[1], clip[-1][1][1]) > 0.8


def test_each_past_of_the_combination_has_its_own_motion():
    tracker, clip = compose.load("long-samurai", Toy()), squares(20)
    state, _ = tracker.step({}, clip[0][0], [mark(clip, 0, 1)])
    for frame, _ in clip[1:]:
        state, _ = tracker.step(state, frame)
    assert len(state[1]) == 3
    assert all(isinstance(history.choice, MotionState) and history.choice.steady == 15 for history in state[1])


def test_motion_and_loop_agree_on_what_is_present(tracker):
    if hasattr(tracker.choice, "present_above"):
        assert tracker.choice.present_above == tracker.present_above
