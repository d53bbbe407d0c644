"""Strips of the worst sequences: a few frames of each with truth and answer, the worst frame among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vidmem.errors import InputError
from vidmem.evaluation.forms import Answer, Form, form_of
from vidmem.evaluation.plan import Plan
from vidmem.evaluation.report.sketch import sketch_boxes, sketch_masks
from vidmem.evaluation.report.wording import ranked
from vidmem.evaluation.store import Store, open_store
from vidmem.metrics.boxes import overlap
from vidmem.metrics.region import jaccard
from vidmem.videos import BoxTruth, Dataset, MaskTruth, Video

SEQUENCES = 6  # the worst so many are shown
PICTURES = 6  # of each
LOOKED_AT = 60  # annotated frames among which the worst is sought: a long video need not be read whole again


@dataclass(frozen=True)
class Picture:
    """One frame of a strip."""

    frame: str
    jpeg: bytes
    fit: float  # mean overlap of truth and answer over objects
    is_worst: bool


@dataclass(frozen=True)
class Strip:
    sequence: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Seen:
    """One frame: how well it fits, and how it is drawn on its picture."""

    fit: float
    sketch: Callable[[np.ndarray], bytes]


def draw_strips(plan: Plan, dataset: Dataset, report: Mapping[str, Any], store: Store) -> list[Strip]:
    """Strips of the worst sequences. One whose pictures or results have become unreadable is left out."""
    strips = []
    for name in ranked(report):
        if len(strips) == SEQUENCES:
            break
        try:
            strips.append(_strip(plan, dataset, dataset.layout.video(name), store))
        except (InputError, OSError):
            continue
    return [each for each in strips if each.pictures]


def _strip(plan: Plan, dataset: Dataset, video: Video, store: Store) -> Strip:
    form = form_of(dataset, video)
    unit = form.unit(video.name)
    place, unit = (open_store(plan.results), unit) if plan.results else (store, f"results/{unit}")
    with place.fetch(unit) as path:
        seen = _look(video, form, path)
        worst = min(seen, key=lambda name: seen[name].fit, default="")
        names = choose({name: each.fit for name, each in seen.items()})
        pictures = tuple(
            Picture(name, seen[name].sketch(_picture(video, name)), seen[name].fit, name == worst and len(names) > 1)
            for name in names
        )
    return Strip(video.name, pictures)


def _look(video: Video, form: Form, path: Path) -> dict[str, Seen]:
    """What there is to see in a spread of the annotated frames."""
    answer, truth = form.answers(path, video), video.truth
    if isinstance(truth, BoxTruth):
        found = {name: _seen_box(truth, answer, name) for name in _spread(truth.names)}
    elif isinstance(truth, MaskTruth):
        found = {name: _seen_masks(truth, answer, name) for name in _spread(truth.annotated)}
    else:
        found = {}
    return {name: each for name, each in found.items() if each is not None}


def _seen_masks(truth: MaskTruth, answer: Answer, name: str) -> Seen | None:
    given, true = answer(name), truth.masks(name) or {}
    if given is None or not true:
        return None
    answers = {object_id: _of_object(given, object_id, mask, truth) for object_id, mask in true.items()}
    fit = float(np.mean([jaccard(true[object_id], answers[object_id]) for object_id in true]))
    return Seen(fit, lambda picture: sketch_masks(picture, true, answers))


def _of_object(given: Any, object_id: int, true: np.ndarray, truth: MaskTruth) -> np.ndarray:
    """(H, W) bool: one object in a picture of ids, or in masks by object. Where objects are merged, all are it."""
    if not isinstance(given, np.ndarray):
        return given.get(object_id, np.zeros_like(true))
    return given > 0 if getattr(truth.store, "merge", False) else given == object_id


def _seen_box(truth: BoxTruth, answer: Answer, name: str) -> Seen | None:
    true, given = truth.box(name), answer(name)
    if true is None or np.isnan(true).any():
        return None
    fit = 0.0 if given is None else float(np.nan_to_num(overlap(np.array(true), np.array(given))))
    return Seen(fit, lambda picture: sketch_boxes(picture, true, given))


def _spread(names: list[str] | tuple[str, ...], most: int = LOOKED_AT) -> list[str]:
    """At most so many of the names, evenly."""
    if len(names) <= most:
        return list(names)
    return [names[round(step)] for step in np.linspace(0, len(names) - 1, most)]


def choose(fits: Mapping[str, float]) -> list[str]:
    """The first frame, the last, the worst, and others evenly between, in order."""
    names = list(fits)
    if len(names) <= PICTURES:
        return names
    worst = min(names, key=fits.__getitem__)
    steps = _spread(names, PICTURES)
    if worst not in steps:
        where = names.index(worst)
        nearest = min(range(1, PICTURES - 1), key=lambda step: abs(names.index(steps[step]) - where))
        steps[nearest] = worst
    return sorted(steps, key=names.index)


def _picture(video: Video, name: str) -> np.ndarray:
    """(H, W, 3) uint8 RGB."""
    index = video.index_of(name)
    with closing(video.frames()) as source:
        image = next(iter(source.between(index, index + 1))).image
    return np.ascontiguousarray(image.permute(1, 2, 0).numpy())
