"""Target models within the loop: what they learn, what they say, and that any goes with any bank and search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from vidmem import compose, states
from vidmem.aiming import as_candidates
from vidmem.errors import UsageError
from vidmem.memory_account import account
from vidmem.models.toy import Toy
from vidmem.targets import Usage, targets
from vidmem.targets.filter import OnlineFilter
from vidmem.targets.regularisers import regularisers
from vidmem.targets.samples import samples
from vidmem.tracker import Tracker
from vidmem.values import Candidates, Features, Frame, Prompt, Question

pytestmark = pytest.mark.usefixtures("one_thread")

SIDE = 64
SMALL = {"samples.limit": 8, "samples.max_prompts": 2}


def picture(index: int, x: int | None, y: int = 24) -> Frame:
    """A red square on a textured green ground; no square where x is None."""
    image = torch.from_numpy(np.random.default_rng(index).integers(0, 30, (3, SIDE, SIDE), np.uint8))
    image[1] += 90
    if x is not None:
        image[:, y : y + 16, x : x + 16] = torch.tensor([220, 40, 40], dtype=torch.uint8)[:, None, None]
    return Frame(index, image, index / 25)


def truth(x: int, y: int = 24) -> torch.Tensor:
    mask = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    mask[y : y + 16, x : x + 16] = True
    return mask


def tracker_of(model=None, card: str = "continual", **settings) -> Tracker:
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return compose.load(card, model or Toy(), settings={**SMALL, **named})


def follow(tracker: Tracker, ways, state=None, first: int = 0, prompt: bool = True):
    state, said = state or {}, []
    for number, x in enumerate(ways, start=first):
        prompts = [Prompt(1, mask=truth(x))] if prompt and number == first else []
        state, track = tracker.step(state, picture(number, x), prompts)
        said.append(track)
    return state, said


def overlap(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one & other).sum() / (one | other).sum().clamp_min(1))


def test_the_filter_sees_the_object_where_it_went():
    tracker = tracker_of()
    state, _ = follow(tracker, range(4, 40, 2))
    target = OnlineFilter()
    seen = target.prepare(tracker.model.encode(picture(30, 44)))
    _, scores = target.look(state[1][0].target, seen, 30)
    assert scores is not None
    large = torch.nn.functional.interpolate(scores[None, None], (SIDE, SIDE), mode="bilinear")[0, 0] > 0
    assert overlap(large, truth(44)) > 0.6


@pytest.mark.parametrize("memory", list(samples))
@pytest.mark.parametrize("regulariser", list(regularisers))
def test_any_sample_memory_goes_with_any_regulariser(memory, regulariser):
    tracker = tracker_of(samples__name=memory, regulariser__name=regulariser)
    state, said = follow(tracker, range(4, 40, 2))
    assert overlap(said[-1].masks()[1], truth(38)) > 0.5
    assert len(state[1][0].target.samples) == 8


@pytest.mark.parametrize("card", ["dam4sam", "longterm", "sam2long", "eight-bit", "samurai"])
@pytest.mark.parametrize("beside", [True, False])
def test_a_target_model_goes_with_every_bank_choice_search_and_transform(card, beside):
    tracker = tracker_of(card=card, target__beside=beside, target__name="filter")
    _, said = follow(tracker, range(4, 40, 2))
    assert overlap(said[-1].masks()[1], truth(38)) > 0.5


def test_a_tracker_without_one_is_what_it_was():
    plain = compose.load("sam2", Toy())
    assert plain.target is None
    state, _ = follow(plain, range(4, 20, 2))
    assert state[1][0].target is None


def test_a_state_made_without_one_goes_on_and_learns_from_the_next_prompt():
    state, _ = follow(compose.load("sam2", Toy()), range(4, 20, 2))
    tracker = tracker_of()
    state, said = follow(tracker, range(20, 26, 2), state, 8, prompt=False)
    assert overlap(said[-1].masks()[1], truth(24)) > 0.5 and not state[1][0].target.samples
    state, _ = tracker.step(state, picture(11, 26), [Prompt(1, mask=truth(26))])
    assert len(state[1][0].target.samples) == 1


def test_answers_begin_with_no_fit_and_the_first_look_makes_it():
    tracker = tracker_of()
    state, _ = follow(tracker, [8])
    learned = state[1][0].target
    assert learned.filter is None and learned.due == OnlineFilter.start_steps
    state, _ = follow(tracker, [10], state, 1, prompt=False)
    learned = state[1][0].target
    assert learned.filter is not None and learned.due == OnlineFilter.update_steps and learned.fitted == 1


def test_what_is_not_believed_in_is_not_learned_from():
    tracker = tracker_of(target__min_pred_iou=2.0)
    state, _ = follow(tracker, range(4, 20, 2))
    assert [each.frame for each in state[1][0].target.samples] == [0]


def test_updates_come_as_often_as_asked():
    tracker = tracker_of(target__every=3)
    state, _ = follow(tracker, range(4, 30, 2))
    assert [each.frame for each in state[1][0].target.samples] == [0, 3, 6, 9, 12]


def test_a_prompt_is_learned_as_the_truth_and_frees_what_was_frozen():
    tracker = tracker_of(regulariser__name="grcl", regulariser__share=0.5)
    state, _ = follow(tracker, range(4, 20, 2))
    assert state[1][0].target.frozen > 0.4
    state, _ = tracker.step(state, picture(20, 40), [Prompt(1, mask=truth(40))])
    assert state[1][0].target.samples[-1].prompted and state[1][0].target.freed
    state, _ = tracker.step(state, picture(21, 40))
    assert state[1][0].target.frozen == 0.0


def test_an_old_state_answers_as_it_did():
    tracker = tracker_of(regulariser__name="grcl", samples__name="rmscl")
    state, _ = follow(tracker, range(4, 20, 2))
    once = follow(tracker, range(20, 30, 2), state, 8, prompt=False)[1]
    follow(tracker, range(40, 4, -4), state, 8, prompt=False)
    again = follow(tracker, range(20, 30, 2), state, 8, prompt=False)[1]
    assert all(torch.equal(a.logits(1), b.logits(1)) for a, b in zip(once, again, strict=True))


@pytest.mark.parametrize("regulariser", list(regularisers))
def test_a_saved_state_goes_on_as_the_one_it_was_saved_from(regulariser, tmp_path):
    tracker = tracker_of(regulariser__name=regulariser)
    state, _ = follow(tracker, range(4, 30, 2))
    states.save(state, tmp_path / "state.vmem")
    again, _ = states.load(tmp_path / "state.vmem")
    one = follow(tracker, range(30, 40, 2), state, 13, prompt=False)[1]
    other = follow(tracker, range(30, 40, 2), again, 13, prompt=False)[1]
    assert all(torch.equal(a.logits(1), b.logits(1)) for a, b in zip(one, other, strict=True))


def test_each_object_has_a_filter_of_its_own_and_shares_the_frames():
    tracker = tracker_of()
    prompts = [Prompt(1, mask=truth(8)), Prompt(2, mask=truth(40, 4))]
    state, _ = tracker.step({}, picture(0, 8), prompts)
    state, _ = tracker.step(state, picture(1, 8))
    one, two = state[1][0].target, state[2][0].target
    assert not torch.equal(one.filter, two.filter)
    assert one.samples[0].features is two.samples[0].features


@pytest.mark.parametrize("regulariser", list(regularisers))
@pytest.mark.parametrize("memory", list(samples))
def test_bytes_are_flat_once_the_memory_is_full(memory, regulariser):
    tracker = tracker_of(samples__name=memory, regulariser__name=regulariser)
    state, sizes = {}, []
    for number in range(56):
        prompts = [Prompt(1, mask=truth(8))] if number in (0, 20) else []
        state, _ = tracker.step(state, picture(number, 8 + number % 24), prompts)
        sizes.append(states.nbytes(state))
    assert max(sizes[44:]) == min(sizes[44:])


def test_an_account_tells_what_is_learned_from_what_rests_and_what_is_frozen():
    tracker = tracker_of(samples__name="rmscl", samples__penalty=0.6, regulariser__name="grcl", regulariser__share=0.05)
    state, _ = follow(tracker, range(4, 40, 2))
    held = account(state, tracker.bank)[1]
    kinds = [each.kind for each in held]
    assert kinds.count("sample") + kinds.count("resting") == 8 and "resting" in kinds
    assert kinds[-1] == "filter" and 0 < held[-1].weight < 1
    assert held[-1].nbytes > 0 and held[-1].frame == 17


class Blind(Toy):
    """A toy that says of every answer without a page of the very frame that the object is absent."""

    def decode(self, features: Features, questions) -> list[Candidates]:
        answers = super().decode(features, questions)
        return [
            answer if question.prompt is not None or _is_told(question, features) else _absent(answer)
            for answer, question in zip(answers, questions, strict=True)
        ]


def _is_told(question: Question, features: Features) -> bool:
    pages = question.memory.pages if question.memory else ()
    return any(page.entry.frame == features.frame for page in pages)


def _absent(answer: Candidates) -> Candidates:
    return replace(answer, object_score_logit=-3.0)


def test_what_the_model_lost_is_found_where_the_target_model_sees_it():
    plain = compose.load("sam2", Blind())
    rescued = tracker_of(Blind(), target__use="lost", target__beside=False)
    _, lost = follow(plain, range(4, 30, 2))
    _, found = follow(rescued, range(4, 30, 2))
    assert not any(track.guesses[1].visible for track in lost[1:])
    assert all(track.guesses[1].visible for track in found[1:])
    assert overlap(found[-1].masks()[1], truth(28)) > 0.5


def test_nothing_is_found_where_the_target_model_sees_nothing():
    tracker = tracker_of(Blind(), target__use="lost", target__beside=False)
    state, _ = follow(tracker, range(4, 20, 2))
    _, track = tracker.step(state, picture(20, None))
    assert not track.guesses[1].visible


def test_a_model_that_is_sure_is_not_asked_twice():
    asked = []

    class Counting(Toy):
        def decode(self, features, questions):
            asked.append(len(questions))
            return super().decode(features, questions)

    follow(tracker_of(Counting(), target__use="lost"), range(4, 30, 2))
    assert asked == [1] * 13


def test_a_score_map_can_be_the_decoders_mask_prompt():
    given = []

    class Listening(Toy):
        def decode(self, features, questions):
            given.extend(question.previous for question in questions)
            return super().decode(features, questions)

    follow(tracker_of(Listening(), target__form="mask"), range(4, 20, 2))
    assert given[0] is None and all(scores.shape == (32, 32) for scores in given[1:])


def test_a_score_map_can_be_the_answer_and_the_model_is_asked_of_prompts_alone():
    asked = []

    class Listening(Toy):
        def decode(self, features, questions):
            asked.extend(question.prompt for question in questions)
            return super().decode(features, questions)

    tracker = tracker_of(Listening(), target__use="answer", bank__frames=0, bank__pointers=0)
    state, said = follow(tracker, range(4, 40, 2))
    assert len(asked) == 1 and asked[0] is not None
    assert overlap(said[-1].masks()[1], truth(38)) > 0.6
    assert all(0.5 < track.guesses[1].pred_iou <= 1 and track.guesses[1].visible for track in said)
    _, gone = tracker.step(state, picture(20, None))
    assert not gone.guesses[1].visible
    _, back = follow(tracker, [10], tracker.step(state, picture(20, None))[0], 21, prompt=False)
    assert overlap(back[-1].masks()[1], truth(10)) > 0.6


def test_the_belief_in_a_score_map_is_the_overlap_to_be_expected_of_it():
    sure = as_candidates(torch.where(truth(8), 20.0, -20.0), 3)
    assert sure.pred_iou[0] == pytest.approx(1.0, abs=1e-4) and sure.object_score_logit == 20.0
    half = as_candidates(torch.where(truth(8), 0.01, -20.0), 3)
    assert half.pred_iou[0] == pytest.approx(0.5, abs=0.01)
    nothing = as_candidates(torch.full((4, 4), -9.0), 3)
    assert nothing.pred_iou == (0.0,) and nothing.object_score_logit == -9.0
    assert sure.object_pointers.shape == (1, 3)


def test_parts_of_a_target_model_without_one_are_refused():
    with pytest.raises(UsageError, match="'samples' is a part of a target model, and the tracker has none"):
        compose.load("sam2", Toy(), settings={"samples.limit": 8})


def test_an_unknown_option_is_told_with_its_like():
    with pytest.raises(UsageError, match="'sometimes'; it is one of always, lost, answer"):
        tracker_of(target__use="sometimes")
    with pytest.raises(UsageError, match=r"no option 'update_step'.*Did you mean 'update_steps'"):
        tracker_of(target__update_step=2)


def test_every_target_of_the_table_can_be_made_and_says_how_it_is_used():
    for name in targets:
        assert isinstance(targets[name]().usage, Usage)
    with pytest.raises(ValueError, match="size must be odd"):
        OnlineFilter(size=2)
