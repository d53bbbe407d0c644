"""Several frames looked at in one batch before they are asked for: offline, an encoder is busier so.

    ahead = EncodedAhead(model, batch=4)
    for state, frame, track in Tracker(ahead).run(ahead.frames(source), prompts): ...

Answers are those of the model itself, to rounding: nothing of a frame depends on its neighbours until memory is read.
Runs over recordings do this where the model's option `ahead` says so. It is not the default, since rounding then
depends on where a run was begun. Measured on a CPU with AVX-512, one thread: nano's encoder takes 0.82 of the time in
fours. On a GPU small models launch fewer, larger kernels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import torch
from torch import Tensor

from vidmem.errors import UsageError
from vidmem.models import Model, ModelSpec
from vidmem.models.sam2 import Sam2
from vidmem.values import Candidates, Features, Frame, Guess, Question


def looking_ahead(model: Model, frames: Iterable[Frame]) -> tuple[Model, Iterable[Frame]]:
    """A model and the frames of a recording, of which so many are encoded at once as the model's options say."""
    if not isinstance(model, Sam2) or model.options.ahead == 1:
        return model, frames
    ahead = EncodedAhead(model, model.options.ahead)
    return ahead, ahead.frames(frames)


class EncodedAhead:
    """A model whose frames come through `frames`, a batch at a time. It remembers the features of one batch."""

    def __init__(self, model: Sam2, batch: int = 4):
        if batch < 1:
            raise UsageError(f"A batch of {batch} frames cannot be looked at; give 1 or more.")
        self.model, self.batch = model, batch
        self._ready: dict[int, tuple[Frame, Features]] = {}

    def frames(self, source: Iterable[Frame]) -> Iterator[Frame]:
        """The same frames, each looked at already. The source is read up to `batch` frames ahead; where it breaks off,
        what came before is given first."""
        waiting, problem = iter(source), None
        while problem is None:
            several: list[Frame] = []
            try:
                several.extend(islice(waiting, self.batch))
            except Exception as broken:
                problem = broken
            if not several:
                break
            found = self.model.encode_several(several)
            self._ready = {id(frame): (frame, each) for frame, each in zip(several, found, strict=True)}
            yield from several
        self._ready = {}
        if problem is not None:
            raise problem

    @property
    def spec(self) -> ModelSpec:
        return self.model.spec

    @property
    def device(self) -> torch.device:
        return self.model.device

    def encode(self, frame: Frame) -> Features:
        """What was made of the frame ahead; a frame that did not come through `frames` is looked at now."""
        known = self._ready.pop(id(frame), None)
        return self.model.encode(frame) if known is None else known[1]

    def decode(self, features: Features, questions: Sequence[Question]) -> list[Candidates]:
        return self.model.decode(features, questions)

    def remember(self, features: Features, guesses: Sequence[Guess]) -> Tensor:
        return self.model.remember(features, guesses)
