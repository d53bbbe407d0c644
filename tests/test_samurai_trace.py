"""SAMURAI with the flags of its reference takes and remembers what the reference did, step by step (tests/recorded)."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch
from clips import squares
from sam2_official import SMALL
from traces import attended, digest, drawn_weights, model_of, recorded, start_weights

from vidmem import compose
from vidmem.banks import Bank
from vidmem.frames import watch
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import BEFORE
from vidmem.tracker import Tracker
from vidmem.values import Frame, Memory, Observation, Prompt


@dataclass(frozen=True)
class Watched:
    """A bank that lets us see what it is told."""

    bank: Bank
    seen: list[Observation] = field(default_factory=list)

    def start(self):
        return self.bank.start()

    def read(self, state) -> Memory | None:
        return self.bank.read(state)

    def write(self, state, seen: Observation):
        self.seen.append(seen)
        return self.bank.write(state, seen)


def assert_traced(trace, model: Sam2, frames: list[Frame], prompt: Prompt) -> None:
    """Follow with the card of the reference, and compare all that was recorded."""
    settings = {"choice.weight": trace["weight"]}
    made = compose.load("samurai-parity", model, settings=settings)
    bank = Watched(made.bank)
    tracker = Tracker(model, bank, made.choice, made.search, present_above=made.present_above)
    state, _ = tracker.step({}, frames[0], [prompt])
    for frame, wanted in zip(frames[1:], trace["steps"], strict=True):
        pages, pointers = attended(bank, state[1][0].bank)
        assert [[*each] for each in pages] == wanted["pages"], frame.index
        assert [[*each] for each in pointers] == wanted["pointers"], frame.index
        state, _ = tracker.step(state, frame)
        told = bank.seen[-1]
        assert told.pick == wanted["pick"], frame.index
        assert told.candidates.pred_iou == pytest.approx(wanted["pred_iou"], abs=1e-3), frame.index
        assert told.guess.object_score_logit == pytest.approx(wanted["object_score"], abs=5e-3), frame.index
        assert told.motion_iou == pytest.approx(wanted["motion_iou"], abs=5e-3), frame.index


@pytest.mark.parametrize("name", ["squares-absent", "squares-present"])
def test_a_drawn_model_takes_and_remembers_what_the_reference_did(name):
    trace = recorded("samurai")["traces"][name]
    weights = drawn_weights(SMALL, trace["weights"]["seed"], trace["weights"]["shifts"])
    assert digest(weights) == trace["weights"]["digest"], "the weights are not those the trace was made with"
    frames = [frame for frame, _ in squares(trace["frames"], 128, 3)]
    assert_traced(trace, model_of(SMALL, weights), frames, Prompt(1, box=torch.tensor(trace["box"]).float()))


@pytest.mark.real
def test_a_real_clip_with_its_object_gone_for_a_while_is_remembered_as_by_the_reference(data):
    trace = recorded("samurai")["traces"]["bmx-bumps"]
    weights = start_weights(data)
    assert digest(weights) == trace["weights"]["digest"], "the weights are not those the trace was made with"
    first, stop = trace["blank"]
    frames = []
    for frame in watch(data / "DAVIS/JPEGImages/480p/bmx-bumps").between(0, trace["frames"]):
        blank = torch.full_like(frame.image, 127)
        frames.append(Frame(frame.index, blank if first <= frame.index < stop else frame.image))
    mask = next(iter(watch(data / "DAVIS/Annotations/480p/bmx-bumps"))).image[0] > 0
    assert_traced(trace, model_of(BEFORE.at((256, 256)), weights), frames, Prompt(1, mask=mask))
