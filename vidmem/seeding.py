"""A tracker whose objects are found by a detector: what it sees and no object covers becomes a new object.

Every few frames the detector looks at the frame. Each of its boxes is asked of the segmenter; where the mask overlaps
that of no object now followed, it joins under an id never used before. So objects keep their ids for good, and one that
was lost and is found again where its own track has found it too stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from vidmem.detecting import Stream, VideoDetector
from vidmem.errors import UsageError
from vidmem.searches import History
from vidmem.tracker import Tracker
from vidmem.values import Frame, Guess, Prompt, Track


@dataclass(frozen=True, eq=False)
class SeededState(Mapping[int, tuple[History, ...]]):
    """The state of a tracker, object id -> histories, and what the detector remembers beside it."""

    objects: Mapping[int, tuple[History, ...]]
    stream: Stream
    next_id: int = 1

    def __getitem__(self, object_id: int) -> tuple[History, ...]:
        return self.objects[object_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self.objects)

    def __len__(self) -> int:
        return len(self.objects)

    def __bool__(self) -> bool:
        """Also without objects there is something to remember."""
        return True


@dataclass(frozen=True, eq=False)
class SeededTracker(Tracker):
    """A tracker with a detector. `step` takes a SeededState, or {} to begin, and returns the next."""

    detector: VideoDetector | None = None
    every: int = 8  # frames between two looks of the detector
    score: float = 0.5  # what a detection must reach to begin an object
    overlap: float = 0.4  # mask IoU from which a detection is an object already followed
    most: int = 20  # objects at a time

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.emit != "best":
            raise UsageError("A detector adds objects as their frame comes: it goes with --emit best alone.")
        if self.every < 1 or self.most < 1 or not 0 < self.overlap <= 1 or not 0 <= self.score <= 1:
            raise UsageError(
                f"every = {self.every} and most = {self.most} are 1 or more, overlap = {self.overlap:g} and score = "
                f"{self.score:g} shares up to 1."
            )

    @torch.inference_mode()
    def step(
        self,
        state: Mapping[int, tuple[History, ...]],
        frame: Frame,
        prompts: Sequence[Prompt] = (),
        *,
        previous: Mapping[int, Tensor] | None = None,
        settled: Mapping[int, Guess] | None = None,
    ) -> tuple[SeededState, Track]:
        """See one frame, as `Tracker.step`; where the detector's turn has come, what it alone finds joins."""
        assert self.detector is not None
        known = state if isinstance(state, SeededState) else SeededState(dict(state), self.detector.start())
        objects, track = super().step(known.objects, frame, prompts, previous=previous, settled=settled)
        next_id = max(known.next_id, *(each + 1 for each in objects), 1)
        if frame.index % self.every:
            return SeededState(objects, known.stream, next_id), track
        stream, found = self.detector.step(known.stream, frame)
        boxes = found.above(self.score).boxes[: max(0, self.most - len(objects))]
        if not len(boxes):
            return SeededState(objects, stream, next_id), track
        asked = [Prompt(number, box=torch.tensor(box, dtype=torch.float32)) for number, box in enumerate(boxes, 1)]
        fresh, seen = super().step({}, frame, asked)
        masks, guesses, joined = seen.masks(), dict(track.guesses), dict(objects)
        covered = [mask for each, mask in track.masks().items() if track.guesses[each].visible]
        for number in seen.guesses:
            mask = masks[number]
            is_new = all(mask_iou(mask, each) < self.overlap for each in covered)
            if not seen.guesses[number].visible or not mask.any() or not is_new:
                continue
            joined[next_id], guesses[next_id] = fresh[number], seen.guesses[number]
            covered.append(mask)
            next_id += 1
        return SeededState(joined, stream, next_id), replace(track, guesses=guesses)


def mask_iou(one: Tensor, other: Tensor) -> float:
    """Shared over joint pixels of two masks (H, W) bool; 0 where both are empty."""
    joint = int((one | other).sum())
    return int((one & other).sum()) / joint if joint else 0.0


def seeded(tracker: Tracker, detector: VideoDetector, **options: Any) -> SeededTracker:
    """A tracker with a detector beside it. options: every, score, overlap, most."""
    parts = {each.name: getattr(tracker, each.name) for each in fields(Tracker)}
    return SeededTracker(**parts, detector=detector, **options)
