"""SAM2Long word by word, as slow as it reads: every path is asked, encoded and kept by itself, every frame is kept for
ever, memories are searched from the present backwards, scores are sums that never end. The truth for tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log

from torch import Tensor

from vidmem.models import Model
from vidmem.values import Entry, Frame, Guess, Memory, Page, Pointer, Prompt, Question, resolve

Offer = tuple[Sequence[float], float]  # the predicted IoU of each candidate, the object score


def survivors(
    scores: Sequence[float], offers: Sequence[Offer], paths: int, uncertainty: float
) -> list[tuple[int, int, float]]:
    """(parent, candidate, score) of each path that lives on, from the score and the offer of each path there is."""
    everyone = []
    for path, (ratings, _) in enumerate(offers):
        for candidate, rating in enumerate(ratings):
            everyone.append((path, candidate, scores[path] + log(rating + 1e-5)))
    everyone.sort(key=lambda each: each[2], reverse=True)  # Python keeps equals in their order, reversed or not
    if any(abs(logit) > uncertainty for _, logit in offers):
        return everyone[:paths]
    alive, signatures = [], []
    for path, candidate, score in everyone:
        ratings, logit = offers[path]
        signature = round(ratings[candidate] * (1 if logit > 0 else -1), 2)
        if signature not in signatures:
            signatures.append(signature)
            alive.append((path, candidate, score))
        if len(alive) == paths:
            return alive
    for path in range(len(offers)):
        if all(path != parent for parent, _, _ in alive):
            alive.append(max((each for each in everyone if each[0] == path), key=lambda each: each[2]))
        if len(alive) == paths:
            break
    return alive


@dataclass(eq=False)
class Path:
    """One pathway, with all it ever answered and remembered."""

    score: float = 0.0
    guesses: list[Guess] = field(default_factory=list)  # behind the prompt, in order
    pages: list[Tensor] = field(default_factory=list)


@dataclass(eq=False)
class Literal:
    """One object, prompted once."""

    model: Model
    paths: int = 3
    uncertainty: float = 2.0
    iou_threshold: float = 0.3
    object_threshold: float = 0.0
    scales: tuple[float, float] = (0.95, 1.05)
    drop_oldest_pointer: bool = True
    alive: list[Path] = field(default_factory=list)
    prompt: Guess | None = None
    kept: list[list[tuple[int, int]]] = field(default_factory=list)  # (parent, candidate) of each frame's survivors

    def step(self, frame: Frame, prompt: Prompt | None = None) -> None:
        features = self.model.encode(frame)
        if prompt is not None:
            self.start = frame.index
            self.prompt = resolve(self.model.decode(features, [Question(None, prompt)])[0], 0, frame.index, 0.0, True)
            self.prompt_page = self.model.remember(features, [self.prompt])[0]
            self.alive = [Path()]
            return
        offers = [self.model.decode(features, [Question(self.memory(path, frame.index))])[0] for path in self.alive]
        if len(self.alive) == 1:  # the frame behind the prompt: one ordinary pass, which counts in no score
            ratings = offers[0].pred_iou
            chosen = [(0, max(range(len(ratings)), key=lambda k: (ratings[k], -k)), 0.0)] * self.paths
        else:
            said = [(each.pred_iou, each.object_score_logit) for each in offers]
            chosen = survivors([path.score for path in self.alive], said, self.paths, self.uncertainty)
        self.kept.append([(parent, candidate) for parent, candidate, _ in chosen])
        following = []
        for parent, candidate, score in chosen:
            before = self.alive[parent]
            guess = resolve(offers[parent], candidate, frame.index)
            page = self.model.remember(features, [guess])[0]
            following.append(Path(score, [*before.guesses, guess], [*before.pages, page]))
        self.alive = following

    def memory(self, path: Path, now: int) -> Memory:
        """What a path attends: the prompt, the last six frames that deserve it, and pointers by rank."""
        assert self.prompt is not None
        valid: list[int] = []
        for back in range(len(path.guesses) - 1, -1, -1):
            guess = path.guesses[back]
            if guess.pred_iou > self.iou_threshold and guess.object_score_logit > self.object_threshold:
                valid.insert(0, back)
            if len(valid) == 15:
                break
        newest = len(path.guesses) - 1
        if newest >= 0 and newest not in valid:
            valid.append(newest)
        entries = [Entry(path.guesses[i].frame, path.pages[i], path.guesses[i].object_pointer) for i in valid]
        logits = [path.guesses[i].object_score_logit for i in valid]
        first = Entry(self.prompt.frame, self.prompt_page, self.prompt.object_pointer, prompted=True)
        told = [d for d in range(1, 16) if (d < len(valid) if self.drop_oldest_pointer else d <= len(valid))]
        page_scales = self.by_rank([10.0, *logits[-6:]])
        pointer_scales = self.by_rank([10.0, *(logits[-d] for d in told)])
        if len(page_scales) == 1:
            page_scales = pointer_scales = [1.0] * 16
        pages = [Page(first, 6, page_scales[0])]
        for place, entry in enumerate(entries[-6:]):
            pages.append(Page(entry, len(entries[-6:]) - 1 - place, page_scales[place + 1]))
        pointers = [Pointer(first, float(now - self.start), pointer_scales[0])]
        pointers += [Pointer(entries[-d], float(d), pointer_scales[d]) for d in told]
        return Memory(tuple(pages), tuple(pointers))

    def by_rank(self, logits: list[float]) -> list[float]:
        low, high = self.scales
        if len(logits) == 1:
            return [low]
        order = sorted(range(len(logits)), key=lambda i: logits[i])
        return [low + (high - low) * order.index(i) / (len(logits) - 1) for i in range(len(logits))]

    def answers(self) -> list[Guess]:
        """The offline answer: what the best path said, from the prompt on."""
        assert self.prompt is not None
        return [self.prompt, *self.alive[0].guesses]
