"""The one loop: encode, read, decode, pick, write. A tracker is a model x a bank x a choice x a search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from vidmem.banks import Bank
from vidmem.banks.window import Window
from vidmem.choices import Choice
from vidmem.choices.argmax import Argmax
from vidmem.errors import InputError
from vidmem.models import Model
from vidmem.remembering import Remembering
from vidmem.searches import History, Search
from vidmem.searches.single import Single
from vidmem.values import Candidates, Frame, Guess, Observation, Prompt, Question, Track, resolve

State = Mapping[int, tuple[History, ...]]
"""object id -> the histories kept of it. Never changed in place: an old State is an undo point."""


@dataclass(frozen=True, eq=False)
class Tracker:
    """Follows objects through frames. It holds no state: `step` takes one and returns the next."""

    model: Model
    bank: Bank = field(default_factory=Window)
    choice: Choice = field(default_factory=Argmax)
    search: Search = field(default_factory=Single)
    present_above: float = 0.0  # an object whose object_score_logit is not above this is held to be absent
    condition_prompts: bool = False  # whether a prompt on a frame not yet answered sees memory; SAM 2: it does not

    @torch.inference_mode()
    def step(
        self,
        state: State,
        frame: Frame,
        prompts: Sequence[Prompt] = (),
        *,
        previous: Mapping[int, Tensor] | None = None,
        settled: Mapping[int, Guess] | None = None,
    ) -> tuple[State, Track]:
        """See one frame. Objects named in `prompts` are begun or corrected, the others followed.

        previous: object id -> (h, w) logits of an earlier answer for this very frame, which the prompt corrects; such a
        correction sees the object's memory, as in SAM 2. settled: object id -> an answer given before, taken as it is.
        An object leaves by being left out of the state.
        """
        asked = _by_object(prompts)
        previous, settled = previous or {}, settled or {}
        pasts = {**dict.fromkeys((*asked, *settled), self._newborn()), **state}
        if not pasts:
            return state, Track(frame.index, frame.time, frame.name, frame.size)
        features = self.model.encode(frame)
        questions = {
            object_id: self._questions(histories, asked.get(object_id), previous.get(object_id))
            for object_id, histories in pasts.items()
            if object_id not in settled
        }
        offers = iter(self.model.decode(features, [q for each in questions.values() for q in each]))
        remembering = Remembering(self.model, features)
        following: dict[int, tuple[History, ...]] = {}
        guesses: dict[int, Guess] = {}
        for object_id, histories in pasts.items():
            if object_id in settled:
                offered, histories = [_as_offer(settled[object_id])], histories[:1]
            else:
                offered = [next(offers) for _ in questions[object_id]]
                histories = histories[: len(offered)]
            prompted = object_id in asked or object_id in settled
            branches = self.search.select(histories, offered, self.choice)
            grown = []
            for branch in branches:
                guess = settled.get(object_id) or resolve(
                    offered[branch.parent], branch.pick, frame.index, self.present_above, prompted
                )
                seen = Observation(guess, offered[branch.parent], partial(remembering.of, guess))
                grown.append(History(self.bank.write(histories[branch.parent].bank, seen), branch.choice, branch.score))
                guesses.setdefault(object_id, guess)
            following[object_id] = tuple(grown)
        remembering.fill()
        return following, Track(frame.index, frame.time, frame.name, frame.size, guesses)

    def run(
        self, frames: Iterable[Frame], prompts: Mapping[int, Sequence[Prompt]], state: State | None = None
    ) -> Iterator[tuple[State, Frame, Track]]:
        """Follow a stream to its end, one frame at a time. prompts: frame index -> what is said of that frame."""
        state = state or {}
        for frame in frames:
            state, track = self.step(state, frame, prompts.get(frame.index, ()))
            yield state, frame, track

    def _newborn(self) -> tuple[History, ...]:
        return (History(self.bank.start(), self.choice.start()),)

    def _questions(
        self, histories: tuple[History, ...], prompt: Prompt | None, previous: Tensor | None
    ) -> list[Question]:
        """One question for each history; a prompt is one question, since it makes an end of doubt."""
        if prompt is None:
            return [Question(self.bank.read(history.bank)) for history in histories]
        sees_memory = self.condition_prompts or previous is not None
        return [Question(self.bank.read(histories[0].bank) if sees_memory else None, prompt, previous)]


def _by_object(prompts: Sequence[Prompt]) -> dict[int, Prompt]:
    """object id -> all that was said of it, in order."""
    said: dict[int, Prompt] = {}
    for prompt in prompts:
        said[prompt.object_id] = said[prompt.object_id].and_also(prompt) if prompt.object_id in said else prompt
    return said


def _as_offer(guess: Guess) -> Candidates:
    return Candidates(
        guess.mask[None], (guess.pred_iou,), guess.object_pointer[None], guess.object_pointer, guess.object_score_logit
    )


def without(state: State, object_id: int) -> State:
    """The state in which `object_id` is let go. Raises InputError when it is not followed."""
    if object_id not in state:
        known = ", ".join(map(str, sorted(state))) or "none"
        raise InputError(f"There is no object {object_id} to remove. Followed now: {known}.")
    return {each: histories for each, histories in state.items() if each != object_id}
