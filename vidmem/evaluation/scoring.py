"""The scores of one video from results on the disk, whoever made them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from vidmem.errors import InputError
from vidmem.evaluation.forms import Answer, Form
from vidmem.metrics.protocol import VideoScores
from vidmem.videos import BoxTruth, MaskTruth, Video


def score(video: Video, protocol: Any, form: Form, unit: Path) -> VideoScores:
    """What a protocol of masks or boxes says of the results in `unit`, which has the form `form`. Raises InputError.

    A tracker is told the first mask, so where that one has no file it counts as answered; any other frame must be.
    """
    truth, answer = video.truth, form.answers(unit, video)
    if isinstance(truth, MaskTruth):
        true: Answer = truth.masks if form.shares_pixels else truth.labels
        return protocol.score(_true_masks(video, truth, true), _masks(video, truth, true, answer, unit), video.name)
    assert isinstance(truth, BoxTruth)
    true_boxes = (_box(truth, name) for name in truth.names)
    return protocol.score(true_boxes, (answer(name) for name in truth.names), video.name, size=_size(video))


def _true_masks(video: Video, truth: MaskTruth, true: Answer) -> Iterator[Any]:
    annotated = set(truth.annotated)
    for name in video.frame_names:
        yield true(name) if name in annotated else None


def _masks(video: Video, truth: MaskTruth, true: Answer, answer: Answer, unit: Path) -> Iterator[Any]:
    annotated = truth.annotated
    wanted = set(annotated)
    for name in video.frame_names:
        answered = answer(name) if name in wanted else None
        if answered is None and video.is_told and name == annotated[0]:
            answered = true(name)
        if answered is None and name in wanted:
            raise InputError(f"{unit} has no answer for frame {name} of {video.name}, which is annotated.")
        yield answered


def _box(truth: BoxTruth, name: str) -> tuple[float, float, float, float] | None:
    """x0 y0 x1 y1, x1 and y1 where the width and the height end."""
    box = truth.box(name)
    if box is None or not truth.inclusive:
        return box
    x0, y0, x1, y1 = box
    return x0, y0, x1 + 1, y1 + 1


def _size(video: Video) -> tuple[int, int]:
    """(H, W) of the frames."""
    with closing(video.frames()) as source:
        return source.size or next(iter(source.between(0, 1))).size
