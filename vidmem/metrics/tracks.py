"""Many tracked objects, frame by frame: who is where, and how far true boxes and answered ones overlap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.boxes import Box
from vidmem.metrics.detections import overlaps
from vidmem.metrics.labels import ENDED, Ended


@dataclass(frozen=True, eq=False)
class Meeting:
    """One frame: M true objects and N answered ones, by their places among all of the video."""

    true: np.ndarray  # (M,)
    answered: np.ndarray  # (N,)
    overlap: np.ndarray  # (M, N)


@dataclass(frozen=True, eq=False)
class Meetings:
    """A video of true and answered tracks."""

    frames: tuple[Meeting, ...]
    true_frames: np.ndarray  # (true objects,) in how many frames each is
    answered_frames: np.ndarray  # (answered objects,)

    @property
    def true(self) -> int:
        """Boxes in all frames."""
        return int(self.true_frames.sum())

    @property
    def answered(self) -> int:
        return int(self.answered_frames.sum())


def meet(
    truth: Iterable[Mapping[Any, Box] | None], answers: Iterable[Mapping[Any, Box] | None], video: str = ""
) -> Meetings:
    """Track id -> box of each frame. None as truth: not annotated, the frame is left out.

    Raises InputError for lengths that differ.
    """
    clip = f"video {video!r}" if video else "the video"
    places: tuple[dict[Any, int], dict[Any, int]] = ({}, {})
    frames = []
    for frame, (true, answer) in enumerate(zip_longest(truth, answers, fillvalue=ENDED)):
        if isinstance(true, Ended) or isinstance(answer, Ended):
            raise InputError(f"Of {clip} one side ends after {frame} frames. Give one answer for each true frame.")
        if true is None:
            continue
        sides = []
        for boxes, known in zip((true, answer or {}), places, strict=True):
            ids = np.array([known.setdefault(each, len(known)) for each in boxes], np.int64)
            sides.append((ids, np.array([list(box) for box in boxes.values()], np.float64).reshape(-1, 4)))
        frames.append(Meeting(sides[0][0], sides[1][0], overlaps(sides[0][1], sides[1][1])))
    return met(frames, len(places[0]), len(places[1]))


def met(frames: Iterable[Meeting], true: int, answered: int) -> Meetings:
    """Frames as a video of so many objects, where the overlaps are known already: of masks, or of another measure."""
    frames = tuple(frames)
    true_frames, answered_frames = np.zeros(true), np.zeros(answered)
    for each in frames:
        true_frames[each.true] += 1
        answered_frames[each.answered] += 1
    return Meetings(frames, true_frames, answered_frames)
