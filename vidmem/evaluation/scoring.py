"""The scores of one video from results on the disk, whoever made them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vidmem.errors import InputError
from vidmem.evaluation.forms import Answer, Form
from vidmem.metrics.protocol import MaskProtocol, VideoScores
from vidmem.videos import MaskTruth, Video


def score(video: Video, protocol: MaskProtocol, form: Form, unit: Path) -> VideoScores:
    """What a protocol says of the results in `unit`, which has the form `form`. Raises InputError.

    A tracker is told the first mask, so where that one has no file it counts as answered; any other frame must be.
    """
    truth = video.truth
    assert isinstance(truth, MaskTruth)
    true: Answer = truth.masks if form.shares_pixels else truth.labels
    answer = form.answers(unit, video)
    return protocol.score(_truths(video, true), _answers(video, answer, true, unit), video.name)


def _truths(video: Video, true: Answer) -> Iterator[Any]:
    annotated = set(video.truth.annotated) if isinstance(video.truth, MaskTruth) else set()
    for name in video.frame_names:
        yield true(name) if name in annotated else None


def _answers(video: Video, answer: Answer, true: Answer, unit: Path) -> Iterator[Any]:
    assert isinstance(video.truth, MaskTruth)
    annotated = video.truth.annotated
    wanted = set(annotated)
    for name in video.frame_names:
        if name not in wanted:
            yield None
            continue
        answered = answer(name)
        if answered is None and video.is_told and name == annotated[0]:
            answered = true(name)
        if answered is None:
            raise InputError(f"{unit} has no answer for frame {name} of {video.name}, which is scored.")
        yield answered


def to_plain(scores: VideoScores) -> dict[str, Any]:
    """The same as JSON holds it."""
    return {str(each): {name: values.tolist() for name, values in said.items()} for each, said in scores.items()}


def from_plain(said: Mapping[str, Any]) -> VideoScores:
    """The scores that `to_plain` made, to the last bit."""
    return {
        int(each): {name: np.array([np.nan if v is None else v for v in values]) for name, values in said.items()}
        for each, said in said.items()
    }
