"""Every card of trackers/ keeps the promises of a memory, on a stream made up for it: no model needed.

The model of these tests guesses by dice that know nothing of what is remembered, so that what is promised of one object
or of two copies of a state can be seen in every answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from made_learner import learner_file
from torch import Tensor

from vidmem import cards, compose, states
from vidmem.models import ModelSpec
from vidmem.tracker import Tracker, without
from vidmem.values import Candidates, Features, Frame, Guess, Prompt, Question, Track

SIDE, TOKENS, WIDTH = 8, 4, 2
FACES = 97  # different answers there are
LONG = 100_000  # frames; what the field calls endless

pytestmark = pytest.mark.usefixtures("one_thread")


class Deck:
    """Answers drawn from a deck by the frame's number and the object: absent, unsure, sure, many masks, one."""

    spec = ModelSpec(
        "deck", (SIDE, SIDE), (2, 2), WIDTH, pointer_tokens=1, mask_size=(SIDE, SIDE), memory_dtype="float32"
    )
    device = torch.device("cpu")
    backbone = "made"

    def encode(self, frame: Frame) -> Features:
        return Features(frame.index, frame.size, (sights()[frame.index % FACES][None],))

    def decode(self, features: Features, questions: Sequence[Question]) -> list[Candidates]:
        return [self._answer(features.frame, question) for question in questions]

    def remember(self, features: Features, guesses: Sequence[Guess]) -> Tensor:
        return pages()[[(features.frame + int(guess.visible)) % FACES for guess in guesses]]

    def _answer(self, frame: int, question: Question) -> Candidates:
        if question.prompt is not None:
            return prompted()
        drawn = deck()[frame % FACES]
        if question.memory is None or not question.memory.want_usage:
            return drawn
        kept = [page.entry.tokens for page in question.memory.pages if page.entry.tokens is not None]
        shares = tuple(torch.full((len(each),), 1 / len(kept)) for each in kept)
        return Candidates(*(getattr(drawn, name) for name in SAID), usage=shares)


SAID = ("masks", "pred_iou", "object_pointers", "absent_pointer", "object_score_logit")


@cache
def deck() -> list[Candidates]:
    dice = np.random.default_rng(5)
    faces = []
    for _ in range(FACES):
        masks = torch.full((3, SIDE, SIDE), -6.0)
        for mask in masks:
            x, y = dice.integers(0, SIDE - 3, 2)
            mask[y : y + 3, x : x + 3] = 6.0
        score = float(dice.choice([6.0, 1.0, -1.0, -6.0], p=[0.6, 0.15, 0.1, 0.15]))
        rated = tuple(dice.uniform(0.2, 1, 3).round(3).tolist())
        faces.append(Candidates(masks, rated, torch.from_numpy(dice.random((3, 2), np.float32)), torch.zeros(2), score))
    return faces


@cache
def prompted() -> Candidates:
    mask = torch.full((1, SIDE, SIDE), -6.0)
    mask[0, 2:5, 2:5] = 6.0
    return Candidates(mask, (0.95,), torch.ones(1, 2), torch.zeros(2), 8.0)


@cache
def pages() -> Tensor:
    return torch.from_numpy(np.random.default_rng(6).random((FACES, TOKENS, WIDTH), np.float32))


@cache
def sights() -> Tensor:
    return torch.from_numpy(np.random.default_rng(7).random((FACES, WIDTH, 2, 2), np.float32))


def frame(index: int) -> Frame:
    return Frame(index, torch.zeros(3, SIDE, SIDE, dtype=torch.uint8), index / 25)


def mark(object_id: int) -> Prompt:
    return Prompt(object_id, box=torch.tensor([2.0, 2, 5, 5]))


KEEPS_EVERY_PROMPT = ("samurai-parity",)  # as the reference does; its memory grows with each prompt, not with frames
SMALL = {"bank.prototypes": 4, "bank.max_tokens": 40, "bank.buffer_tokens": 16}  # reached by the streams of these tests


@pytest.fixture(scope="session")
def learner(tmp_path_factory) -> Path:
    """A trained coding for the features of the model here."""
    return learner_file(tmp_path_factory.mktemp("weights"), WIDTH)


def tracker_of(card: str, learner: Path) -> Tracker:
    said = compose.read(card)
    settings = SMALL if said.get("bank", {}).get("name") == "longterm" else {}
    if said.get("coding", {}).get("name") == "trained":
        settings = {**settings, "coding.weights": str(learner)}
    return compose.load(card, Deck(), settings=settings)


@pytest.fixture(params=cards.names("trackers"))
def tracker(request, learner) -> Tracker:
    return tracker_of(request.param, learner)


def answers(track: Track) -> dict:
    return {
        object_id: (guess.mask.tolist(), guess.pred_iou, guess.object_score_logit, guess.visible)
        for object_id, guess in track.guesses.items()
    }


def follow(tracker: Tracker, state, numbers, prompts=None) -> tuple:
    """The state behind these frames, and the answers on the way."""
    said = []
    for index in numbers:
        state, track = tracker.step(state, frame(index), (prompts or {}).get(index, ()))
        said.append(answers(track))
    return state, said


@pytest.mark.parametrize("card", cards.names("trackers"))
def test_bytes_of_every_object_stay_flat_with_prompts_all_along(card, learner):
    tracker, state, most = tracker_of(card, learner), {}, [0, 0]
    for index in range(480):
        asked = [mark(1 + index // 15 % 3)] if index % 15 == 0 else []
        if card in KEEPS_EVERY_PROMPT and index > 45:
            asked = []
        state, _ = tracker.step(state, frame(index), asked)
        if index >= 200 and index % 4 == 0:
            half = index >= 340
            most[half] = max(most[half], states.nbytes(state))
    entry = 4 * (TOKENS * WIDTH + 2)  # a page and a pointer
    pasts = getattr(tracker.search, "width", 1)
    assert most[1] <= most[0] + 3 * pasts * entry, "more than what one frame of each object brings"


def test_an_old_state_answers_as_it_did_whatever_came_after(tracker):
    state, _ = follow(tracker, {}, range(20), {0: [mark(1), mark(2)]})
    _, once = follow(tracker, state, range(20, 30))
    follow(tracker, state, range(50, 80), {60: [mark(1), mark(3)]})
    assert follow(tracker, state, range(20, 30))[1] == once


def test_a_saved_state_goes_on_as_the_one_it_was_saved_from(tracker, tmp_path):
    state, _ = follow(tracker, {}, range(25), {0: [mark(1)], 9: [mark(2)]})
    states.save(state, tmp_path / "state.vmem")
    again, _ = states.load(tmp_path / "state.vmem")
    assert follow(tracker, state, range(25, 45))[1] == follow(tracker, again, range(25, 45))[1]


def test_each_object_is_followed_as_if_it_were_alone(tracker):
    whole, together = follow(tracker, {}, range(30), {0: [mark(1)], 3: [mark(2)], 7: [mark(3)]})
    for object_id, begun in ((1, 0), (2, 3), (3, 7)):
        _, alone = follow(tracker, {}, range(begun, 30), {begun: [mark(object_id)]})
        assert [each[object_id] for each in together[begun:]] == [each[object_id] for each in alone]
    rest = without(without(whole, 2), 3)
    one, _ = follow(tracker, {}, range(30), {0: [mark(1)]})
    assert states.nbytes(rest) == states.nbytes(one), "those that left gave every byte back"


def test_the_same_stream_is_always_answered_the_same(tracker):
    prompts = {0: [mark(1)], 12: [mark(1)]}
    assert follow(tracker, {}, range(40), prompts)[1] == follow(tracker, {}, range(40), prompts)[1]


def distinct() -> dict[str, str]:
    """Card -> the others that remember in the very same way."""
    same: dict[str, list[str]] = {}
    for card in cards.names("trackers"):
        same.setdefault(json.dumps(compose.read(card).get("bank", {}), sort_keys=True), []).append(card)
    return {first: ", ".join(rest) for first, *rest in same.values()}


@pytest.mark.parametrize("card", distinct())
def test_memory_stays_flat_over_a_hundred_thousand_frames(card, learner):
    """What is written in each frame: the bank of a card, as one past of one object drives it."""
    from observations import observe

    bank, deal = tracker_of(card, learner).bank, deck()
    state, most = bank.start(), {}
    for index in range(LONG):
        drawn = deal[index % FACES]
        seen = observe(
            index,
            prompted=index == 0 if card in KEEPS_EVERY_PROMPT else index % 2000 == 0,
            pred_iou=drawn.pred_iou[0],
            score=drawn.object_score_logit,
            masks=drawn.masks,
            size=(SIDE, SIDE),
            motion_iou=index % 10 / 10,
        )
        state = bank.write(state, seen)
        if index % 500 == 499:
            bank.read(state)
        if index % 50 == 0:
            part = index * 4 // LONG
            most[part] = max(most.get(part, 0), states.nbytes(state))
    assert most[3] <= 1.02 * most[1], most


def test_the_folder_of_cards_is_the_one_that_is_tried():
    names = {path.stem for path in (Path(__file__).parent.parent / "trackers").glob("*.toml")}
    assert names == set(cards.names("trackers"))
