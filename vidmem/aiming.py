"""What a tracker's target model says of a frame, as the model is asked of it. One value a frame, for all objects.

Either every question starts from the score map ("always"), or those are asked again whose answer held the object to be
absent while the target model sees it ("lost"): a re-detection. A score map is told as a page of memory of the present
frame, which any model attends that attends memory at all, or as the decoder's mask prompt. Or the score map is the
answer ("answer"), and the model only encodes frames and says what a prompt means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from vidmem.errors import ModelError
from vidmem.models import Model
from vidmem.searches import History
from vidmem.targets import Learned, Target
from vidmem.targets.codings import Seen
from vidmem.values import Candidates, Entry, Features, Guess, Memory, Page, Question

NEWEST = 0  # the slot in time of the page: it is as new as can be


def check_backbone(target: Target | None, model: Model) -> None:
    """Raises ModelError for a target model that was trained on the features of another image encoder."""
    wanted = "" if target is None else target.backbone
    if not wanted:
        return  # and no model need tell its weights apart
    found = getattr(model, "backbone", "")
    if found != wanted:
        whose = f"an image encoder of other weights ({found[:12]})" if found else "no image encoder of known weights"
        raise ModelError(
            f"The trained coding of this tracker belongs to the image encoder {wanted[:12]}, and the model "
            f"{model.spec.name} has {whose}. Train one for it (vidmem train nano-learner, with its name as `model`), "
            "or leave training out: --set coding.name=cells."
        )


@dataclass(eq=False)
class Aiming:
    """The target models of one frame. What is asked for twice is computed once."""

    target: Target
    model: Model
    features: Features
    seen: Seen = field(init=False)
    _looked: dict[int, tuple[Learned, Learned, Tensor | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.seen = self.target.prepare(self.features)

    def look(self, history: History) -> tuple[Learned, Tensor | None]:
        """The state of a history after what was due, and (h', w') logits of where it sees the object."""
        before = self._known(history)
        if id(before) not in self._looked:  # kept alive in the value, or another could take its id
            self._looked[id(before)] = (before, *self.target.look(before, self.seen, self.features.frame))
        return self._looked[id(before)][1:]

    def learn(self, history: History, prompted: bool, guess: Guess) -> Learned:
        """The state of a history behind the frame. What is prompted was not looked for."""
        state = self._known(history) if prompted else self.look(history)[0]
        return self.target.learn(state, self.seen, guess)

    def _known(self, history: History) -> Learned:
        """The state of a history; one that was made by a tracker without a target model knows nothing."""
        return self.target.start() if history.target is None else history.target

    def decode(self, questions: Sequence[Question], maps: Sequence[Tensor | None]) -> list[Candidates]:
        """The answers to the questions, each with the score map that goes with it."""
        usage = self.target.usage
        if usage.use == "answer":
            return self._answers(questions, maps)
        if usage.use == "always":
            told = self._told(questions, maps)
            answers = self.model.decode(self.features, told)
            return [
                _without_last(answer, before) if each is not before else answer
                for answer, each, before in zip(answers, told, questions, strict=True)
            ]
        answers = self.model.decode(self.features, questions)
        again = [
            place
            for place, (answer, scores) in enumerate(zip(answers, maps, strict=True))
            if scores is not None and answer.object_score_logit <= usage.lost_below and bool((scores > 0).any())
        ]
        if not again:
            return answers
        found = self.model.decode(
            self.features, self._told([questions[place] for place in again], [maps[place] for place in again])
        )
        for place, answer in zip(again, found, strict=True):
            if self._is_better(answer, answers[place]):
                answers[place] = replace(answer, usage=answers[place].usage)
        return answers

    def _answers(self, questions: Sequence[Question], maps: Sequence[Tensor | None]) -> list[Candidates]:
        """Score maps as answers; what has none, as a prompt, is asked of the model."""
        asked = [question for question, scores in zip(questions, maps, strict=True) if scores is None]
        answered = iter(self.model.decode(self.features, asked) if asked else [])
        width = self.model.spec.token_width * self.model.spec.pointer_tokens
        return [next(answered) if scores is None else as_candidates(scores, width) for scores in maps]

    def _is_better(self, answer: Candidates, than: Candidates) -> bool:
        usage = self.target.usage
        least = max(usage.found_above, than.object_score_logit)
        return answer.object_score_logit > least and max(answer.pred_iou) >= usage.found_pred_iou

    def _told(self, questions: Sequence[Question], maps: Sequence[Tensor | None]) -> list[Question]:
        """The questions, each told where its target model sees the object; as they are where there is no map."""
        usage, told = self.target.usage, list(questions)
        mapped = [(place, scores) for place, scores in enumerate(maps) if scores is not None]
        pages = self._pages([scores for _, scores in mapped]) if usage.form == "page" and mapped else []
        for number, (place, scores) in enumerate(mapped):
            memory = questions[place].memory if usage.beside else None
            if usage.form == "mask":
                told[place] = replace(questions[place], memory=memory, previous=scores)
                continue
            shown = memory or Memory()
            told[place] = replace(questions[place], memory=replace(shown, pages=(*shown.pages, pages[number])))
        return told

    def _pages(self, maps: Sequence[Tensor]) -> list[Page]:
        """A page of memory of the present frame for each score map, encoded in one batch."""
        anything = torch.stack([(scores > 0).any() for scores in maps]).tolist()
        nothing = self.features.levels[-1].new_zeros(1)
        guesses = [
            Guess(self.features.frame, scores, nothing, 1.0, 10.0 if seen else -10.0, seen)
            for scores, seen in zip(maps, anything, strict=True)
        ]
        tokens = self.model.remember(self.features, guesses)
        return [Page(Entry(self.features.frame, each, nothing), NEWEST) for each in tokens]


def as_candidates(scores: Tensor, width: int) -> Candidates:
    """A score map (h', w') as the one candidate, with a pointer of zeros, `width` long. [C]

    The belief in it is the IoU to be expected if its chances are true: of p the sum over what is answered, by the sum
    over the rest and all of what is answered. The object score is the logit of its surest cell.
    """
    chance, on = scores.sigmoid(), scores > 0
    joint = torch.where(on, torch.ones_like(chance), chance).sum()
    expected = torch.where(on, chance, torch.zeros_like(chance)).sum() / joint.clamp_min(1e-6)
    belief, surest = torch.stack([expected, scores.max()]).tolist()
    nothing = scores.new_zeros(1, width)
    return Candidates(scores[None], (belief,), nothing, nothing[0], surest)


def _without_last(answer: Candidates, asked: Question) -> Candidates:
    """The answer as the bank expects it: without the usage of the page it does not know of."""
    if answer.usage is None:
        return answer
    known = 0 if asked.memory is None else len(asked.memory.pages)
    return replace(answer, usage=answer.usage[:known] if len(answer.usage) > known else None)
