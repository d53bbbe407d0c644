"""The one loop: encode, read, decode, pick, write. A tracker is a model x a bank x a choice x a search.

Between bank and model stand the transforms, if any: they say in which form pages are kept and shown. Beside them a
target model may learn what the object looks like, and say where to look (aiming.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from vidmem.aiming import Aiming, check_backbone
from vidmem.banks import Bank
from vidmem.banks.window import Window
from vidmem.choices import Choice
from vidmem.choices.argmax import Argmax
from vidmem.emission import Emission, State, release
from vidmem.errors import InputError
from vidmem.models import Model
from vidmem.remembering import Remembering
from vidmem.searches import History, Search
from vidmem.searches.single import Single
from vidmem.targets import Target
from vidmem.transforms import Transform
from vidmem.values import Candidates, Frame, Guess, Memory, Observation, Packed, Prompt, Question, Track, resolve


@dataclass(frozen=True, eq=False)
class Tracker:
    """Follows objects through frames. It holds no state: `step` takes one and returns the next."""

    model: Model
    bank: Bank = field(default_factory=Window)
    choice: Choice = field(default_factory=Argmax)
    search: Search = field(default_factory=Single)
    transforms: tuple[Transform, ...] = ()  # of the tokens, in the order they are applied to what is kept and shown
    target: Target | None = None  # learns the object while it is followed, and says where to look
    present_above: float = 0.0  # an object whose object_score_logit is not above this is held to be absent
    condition_prompts: bool = False  # whether a prompt on a frame not yet answered sees memory; SAM 2: it does not
    emit: Literal["best", "lag", "commit"] = "best"  # when `run` gives an answer out; see emission.py
    lag: int = 16  # frames an answer may be held back

    def __post_init__(self) -> None:
        _ = self.emission  # refuses what is none
        check_backbone(self.target, self.model)

    @property
    def emission(self) -> Emission:
        """When answers are given out."""
        return Emission(self.emit, self.lag)

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
        An object leaves by being left out of the state. The track holds the answers of the pasts believed most now.
        """
        asked = _by_object(prompts)
        previous, settled = previous or {}, settled or {}
        pasts = {**dict.fromkeys((*asked, *settled), self._newborn()), **state}
        if not pasts:
            return state, Track(frame.index, frame.time, frame.name, frame.size)
        features = self.model.encode(frame)
        aiming = Aiming(self.target, self.model, features) if self.target else None
        inquiries = {
            object_id: self._inquire(histories, asked.get(object_id), previous.get(object_id), aiming)
            for object_id, histories in pasts.items()
            if object_id not in settled
        }
        questions = [question for each in inquiries.values() for question in each.questions]
        if aiming is None:
            offers = iter(self.model.decode(features, questions))
        else:
            offers = iter(aiming.decode(questions, [scores for each in inquiries.values() for scores in each.maps]))
        remembering = Remembering(self.model, features, self._keep)
        following: dict[int, tuple[History, ...]] = {}
        guesses: dict[int, Guess] = {}
        for object_id, histories in pasts.items():
            if object_id in settled:
                offered = [_as_offer(settled[object_id])]
            else:
                inquiry = inquiries[object_id]
                answers = [next(offers) for _ in inquiry.questions]
                offered = [answers[each] for each in inquiry.of_history]
            growth = _Growth(self, frame, remembering, aiming, object_id in asked, settled.get(object_id))
            following[object_id] = growth.grow(histories[: len(offered)], offered)
            guesses[object_id] = growth.first
        remembering.fill()
        return following, Track(frame.index, frame.time, frame.name, frame.size, guesses)

    def advance(
        self, state: State, held: tuple[Frame, ...], frame: Frame, prompts: Sequence[Prompt] = ()
    ) -> tuple[State, list[tuple[Frame, Track]], tuple[Frame, ...]]:
        """See one frame, and give out the answers that are settled by then: those of earlier frames where `emit` holds
        answers back. The next state, the answers with their frames, the frames held back now (`held`: those before).

        At the end of a stream `emission.release` gives out the rest.
        """
        state, track = self.step(state, frame, prompts)
        if self.emit == "best":
            return state, [(frame, track)], held
        return release(self.emission, state, (*held, frame))

    def run(
        self, frames: Iterable[Frame], prompts: Mapping[int, Sequence[Prompt]], state: State | None = None
    ) -> Iterator[tuple[State, Frame, Track]]:
        """Follow a stream to its end, one frame at a time. prompts: frame index -> what is said of that frame.

        Yields each frame when its answer is given out, with the state as it is by then: at once, or later where
        `emit` says so.
        """
        state, held = state or {}, ()
        for frame in frames:
            state, out, held = self.advance(state, held, frame, prompts.get(frame.index, ()))
            yield from ((state, *each) for each in out)
        state, out, held = release(self.emission, state, held, ended=True)
        yield from ((state, *each) for each in out)

    def _newborn(self) -> tuple[History, ...]:
        target = self.target.start() if self.target else None
        return (History(self.bank.start(), self.choice.start(), target=target),)

    def _keep(self, blank: Tensor) -> Tensor | Packed:
        """Where a page is kept."""
        place: Tensor | Packed = blank
        for transform in self.transforms:
            place = transform.keep(place)
        return place

    def _read(self, remembered: Any) -> Memory | None:
        """What the model is to attend of what a bank remembers."""
        memory = self.bank.read(remembered)
        if memory is None:
            return None
        for transform in self.transforms:
            memory = transform.show(memory)
        return memory

    def _inquire(
        self, histories: tuple[History, ...], prompt: Prompt | None, previous: Tensor | None, aiming: Aiming | None
    ) -> _Inquiry:
        """One question for each distinct memory; a prompt is one question, since it makes an end of doubt."""
        if prompt is not None:
            sees_memory = self.condition_prompts or previous is not None
            memory = self._read(histories[0].bank) if sees_memory else None
            return _Inquiry([Question(memory, prompt, previous)], [None], [0])
        memories = {id(each.bank): self._read(each.bank) for each in histories}
        maps = [aiming.look(each)[1] if aiming else None for each in histories]
        questions: dict[object, tuple[Question, Tensor | None]] = {}
        asks = []
        for history, scores in zip(histories, maps, strict=True):
            memory = memories[id(history.bank)]
            identity = memory.identity if memory else None, id(scores)
            questions.setdefault(identity, (Question(memory), scores))
            asks.append(identity)
        place = {identity: number for number, identity in enumerate(questions)}
        asked = list(questions.values())
        return _Inquiry([each for each, _ in asked], [scores for _, scores in asked], [place[each] for each in asks])


class _Inquiry(NamedTuple):
    """What is asked of one object in a frame: each question once, and which of them each history asks."""

    questions: list[Question]
    maps: list[Tensor | None]  # of each question (h, w): where the target model sees the object
    of_history: list[int]


class _Growth:
    """Grows the histories of one object by one frame. What is the same for two branches is made once and shared."""

    def __init__(
        self,
        tracker: Tracker,
        frame: Frame,
        remembering: Remembering,
        aiming: Aiming | None,
        prompted: bool,
        given: Guess | None,
    ):
        self.tracker, self.frame, self.remembering, self.aiming = tracker, frame, remembering, aiming
        self.prompted, self.given = prompted or given is not None, given
        self._guesses: dict[tuple[int, int], Guess] = {}
        self._banks: dict[tuple[int, int, int, int], object] = {}
        self._choices: dict[tuple[int, int, int], object] = {}
        self._targets: dict[tuple[int, int, int], object] = {}

    def grow(self, histories: Sequence[History], offered: Sequence[Candidates]) -> tuple[History, ...]:
        tracker = self.tracker
        search = Single() if self.prompted else tracker.search
        grown = []
        for branch in search.select(histories, offered, tracker.choice, tracker.present_above):
            history, candidates = histories[branch.parent], offered[branch.parent]
            guess = self._guess(candidates, branch.pick)
            learned = (id(history.choice), id(candidates), branch.pick)
            if learned not in self._choices:
                self._choices[learned] = tracker.choice.learn(history.choice, candidates, branch.pick)
            written = (id(history.bank), *learned)
            if written not in self._banks:
                remember = partial(self.remembering.of, candidates, branch.pick, guess)
                seen = Observation(guess, candidates, branch.pick, self.frame.size, branch.motion_iou, remember)
                self._banks[written] = tracker.bank.write(history.bank, seen)
            aimed = (id(history.target), id(candidates), branch.pick)
            if self.aiming is not None and aimed not in self._targets:
                self._targets[aimed] = self.aiming.learn(history, self.prompted, guess)
            reach = tracker.emission.reach
            trail = (*history.trail, guess)[-reach:] if reach else ()
            state = self._banks[written], self._choices[learned]
            grown.append(History(*state, branch.score, branch.agreed, trail, self._targets.get(aimed)))
        return tuple(grown)

    @property
    def first(self) -> Guess:
        """The answer of the history believed most."""
        return next(iter(self._guesses.values()))

    def _guess(self, candidates: Candidates, pick: int) -> Guess:
        key = (id(candidates), pick)
        if key not in self._guesses:
            self._guesses[key] = self.given or resolve(
                candidates, pick, self.frame.index, self.tracker.present_above, self.prompted
            )
        return self._guesses[key]


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
