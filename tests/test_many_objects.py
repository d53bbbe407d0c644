"""The embedded model with many objects that come and go: each is followed as if it were alone."""

import pytest
import torch

import vidmem
from vidmem import states
from vidmem.frames.demo import DemoClip
from vidmem.tracker import without
from vidmem.values import Prompt

FRAMES = 26
LEAVES = 24
ROUNDING = 2e-4  # of a logit: a batch of another size is multiplied in another order, on some processors


@pytest.fixture(scope="module")
def frames():
    return list(DemoClip("koi").between(0, FRAMES))


@pytest.fixture(scope="module")
def tracker():
    # Memories in bfloat16 would now and then make of such a 1e-5 a hundred times as much.
    return vidmem.load("sam2", "nano", device="cpu", memory_dtype="float32")


def boxes(count: int) -> list[Prompt]:
    corners = [(20.0 + 55 * (i % 5), 40.0 + 120 * (i // 5)) for i in range(count)]
    return [Prompt(i + 1, box=torch.tensor([x, y, x + 90, y + 80])) for i, (x, y) in enumerate(corners)]


def test_ten_objects_that_come_and_go_are_followed_as_if_each_were_alone(tracker, frames):
    """Object 1 stays; 2 to 11 join one frame after the other and leave at the same frame."""
    asked = boxes(11)
    state, together, one_alone = {}, {}, 0
    for frame in frames:
        if frame.index == LEAVES:
            for object_id in range(2, 12):
                state = without(state, object_id)
            one_alone = states.nbytes(state)
        prompts = [asked[frame.index]] if frame.index < len(asked) else []
        state, track = tracker.step(state, frame, prompts)
        together[frame.index] = track
    assert set(together[12].guesses) == set(range(1, 12)) and set(together[LEAVES].guesses) == {1}
    for number, prompt in enumerate(asked):
        last = FRAMES if number == 0 else LEAVES
        for alone_state, frame, track in tracker.run(frames[number:last], {number: [prompt]}):
            where = (prompt.object_id, frame.index)
            alone, same = track.logits(prompt.object_id), together[frame.index].logits(prompt.object_id)
            torch.testing.assert_close(alone, same, atol=ROUNDING, rtol=1e-4, msg=f"object, frame: {where}")
            sure = alone.abs() > ROUNDING
            assert torch.equal(alone[sure] > 0, same[sure] > 0) and sure.float().mean() > 0.999, where
            if number == 0 and frame.index == LEAVES - 1:
                assert states.nbytes(alone_state) == one_alone, "those that left gave every byte back"
