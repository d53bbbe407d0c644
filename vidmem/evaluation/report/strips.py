"""Strips of the worst sequences: frames with the answer as a coloured veil and the truth as a white line."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.drawing import draw
from vidmem.errors import InputError
from vidmem.evaluation.forms import form_of
from vidmem.evaluation.plan import Plan
from vidmem.evaluation.report.wording import ranked
from vidmem.evaluation.store import Store, open_store
from vidmem.metrics.region import jaccard
from vidmem.videos import Dataset, MaskTruth, Video

SEQUENCES = 6  # the worst so many are shown
PICTURES = 6  # of each
LOOKED_AT = 60  # annotated frames among which the worst is sought: a long video need not be read whole again
WIDTH = 320  # pixels of a picture


@dataclass(frozen=True)
class Picture:
    """One frame of a strip."""

    frame: str
    jpeg: bytes
    j: float | None  # mean over objects; None where it has no truth
    is_worst: bool


@dataclass(frozen=True)
class Strip:
    sequence: str
    pictures: tuple[Picture, ...]


def draw_strips(plan: Plan, dataset: Dataset, report: Mapping[str, Any], store: Store) -> list[Strip]:
    """Strips of the worst sequences of masks. One whose pictures or results have become unreadable is left out."""
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
    truth = video.truth
    if not isinstance(truth, MaskTruth):
        return Strip(video.name, ())
    form = form_of(dataset, video)
    unit, place = form.unit(video.name), store
    if plan.results:
        place = open_store(plan.results)
    else:
        unit = f"results/{unit}"
    with place.fetch(unit) as path:
        answer = form.answers(path, video)
        looked_at = {
            name: (_by_object(truth.masks(name)), answer(name)) for name in _spread(truth.annotated, LOOKED_AT)
        }
        scored = {name: _mean_j(*each) for name, each in looked_at.items() if each[1] is not None}
        names = _choose(scored)
        worst = min(scored, key=scored.__getitem__, default="")
        pictures = tuple(
            Picture(name, _draw(video, name, *looked_at[name]), scored[name], name == worst and len(names) > 1)
            for name in names
        )
    return Strip(video.name, pictures)


def _spread(names: tuple[str, ...], most: int) -> list[str]:
    """At most so many of the names, evenly."""
    if len(names) <= most:
        return list(names)
    return [names[round(step)] for step in np.linspace(0, len(names) - 1, most)]


def _choose(scored: Mapping[str, float]) -> list[str]:
    """The first frame, the worst, and others evenly between, in order."""
    names = list(scored)
    if len(names) <= PICTURES:
        return names
    worst = min(names, key=scored.__getitem__)
    steps = [names[round(step)] for step in np.linspace(0, len(names) - 1, PICTURES)]
    if worst not in steps:
        where = names.index(worst)
        nearest = min(range(1, PICTURES), key=lambda step: abs(names.index(steps[step]) - where))
        steps[nearest] = worst
    return sorted(steps, key=names.index)


def _by_object(masks: Mapping[int, np.ndarray] | None) -> Mapping[int, np.ndarray]:
    return masks or {}


def _answered(answer: Any, object_id: int) -> np.ndarray:
    """(H, W) bool: an object in a picture of ids, or in masks by object."""
    if isinstance(answer, np.ndarray):
        return answer == object_id
    return answer[object_id]


def _mean_j(masks: Mapping[int, np.ndarray], answer: Any) -> float:
    each = [jaccard(mask, _answered(answer, object_id)) for object_id, mask in masks.items()]
    return float(np.mean(each)) if each else 1.0


def _draw(video: Video, name: str, masks: Mapping[int, np.ndarray], answer: Any) -> bytes:
    """JPEG of one frame, WIDTH wide."""
    index = video.index_of(name)
    with closing(video.frames()) as source:
        image = next(iter(source.between(index, index + 1))).image
    picture = Image.fromarray(np.ascontiguousarray(image.permute(1, 2, 0).numpy()))
    size = WIDTH, max(1, round(picture.height * WIDTH / picture.width))
    shown = np.asarray(picture.resize(size, Image.Resampling.LANCZOS))
    objects = {}
    for object_id, mask in masks.items():
        found = _answered(answer, object_id)
        objects[object_id] = ObjectAnnotation(_smaller(found, size), jaccard(mask, found), bool(found.any()))
    drawn = Image.fromarray(draw(shown, Annotation(index, 0.0, name, (size[1], size[0]), objects)))
    for mask in masks.values():
        _outline(drawn, _smaller(mask, size))
    written = io.BytesIO()
    drawn.save(written, "JPEG", quality=82)
    return written.getvalue()


def _smaller(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))


def _outline(picture: Image.Image, mask: np.ndarray) -> None:
    """A white line on the inner edge of the mask, with a dark one outside it so that it shows on any ground."""
    grey = Image.fromarray(np.multiply(mask, 255, dtype=np.uint8))
    wide, narrow = np.asarray(grey.filter(ImageFilter.MaxFilter(3))), np.asarray(grey.filter(ImageFilter.MinFilter(3)))
    picture.paste((20, 20, 20), (0, 0), Image.fromarray(np.where(mask, 0, wide).astype(np.uint8)))
    picture.paste((255, 255, 255), (0, 0), Image.fromarray(np.where(mask, 255 - narrow, 0).astype(np.uint8)))
