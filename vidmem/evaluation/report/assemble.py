"""From records to the numbers of a report."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import vidmem
from vidmem.evaluation.plain import from_plain
from vidmem.evaluation.plan import Plan
from vidmem.evaluation.protocols import numbers_of, without_sides
from vidmem.evaluation.record import Record
from vidmem.videos import BoxTruth, Dataset, DetectionTruth

PACKAGES = ("vidmem", "torch", "numpy", "pillow")


def assemble(plan: Plan, dataset: Dataset, protocol: Any, records: Sequence[Record]) -> dict[str, Any]:
    """What report.json holds. Scores are fractions, unrounded.

    metrics    the benchmark's numbers over all videos that have a score
    sequences  video -> the same over its own objects, and its number of frames and objects
    classes    for detections: class -> its numbers
    objects    VIDEO_OBJECT -> the numbers of one object
    failures   video -> why it has no score
    unscored   videos in which nothing counts, by the protocol or because their truth is not public
    published  what others reached, as the data set's card has it
    tracking   video -> what it cost; empty when results were made elsewhere
    facts      what was asked, of what, with which versions, and whether anything is lacking
    """
    scored = {each.sequence: from_plain(each.scores) for each in records if each.scores}
    plain = without_sides(protocol)
    metrics, note = numbers_of(protocol, scored), ""
    if scored and not metrics and (metrics := numbers_of(plain, scored)):
        note = "Only seen or only unseen kinds were scored, so the numbers are plain means over objects."
    return {
        "metrics": metrics,
        "sequences": {
            each.sequence: {
                **numbers_of(plain, {each.sequence: scored[each.sequence]}),
                "frames": each.frames,
                "objects": _objects(scored[each.sequence]),
            }
            for each in records
            if each.sequence in scored
        },
        "objects": {
            f"{name}_{object_id}": dict(protocol.summary(scores))
            for name, objects in scored.items()
            for object_id, scores in objects.items()
            if isinstance(object_id, int)
        },
        "classes": _classes(dataset, protocol, scored),
        "failures": {each.sequence: each.problem for each in records if each.problem},
        "unscored": [each.sequence for each in records if not each.scores and not each.problem],
        "published": [dict(each) for each in dataset.published if each.get("split", dataset.split) == dataset.split],
        "tracking": {each.sequence: asdict(each.tracking) for each in records if each.tracking},
        "facts": {**_facts(plan, dataset, protocol, records, len(scored)), "note": note},
    }


def _objects(scores: Mapping[Any, Any]) -> int:
    """How many objects of a video were scored; for detections and tracks, how many true boxes."""
    if "IDF1" in scores:
        return int(scores["IDF1"]["IDTP"] + scores["IDF1"]["IDFN"])
    return len(scores["objects"] if "objects" in scores else scores)


def _classes(dataset: Dataset, protocol: Any, scored: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    by_class = getattr(protocol, "by_class", None)
    if by_class is None or not scored:
        return {}
    truth = dataset.layout.video(next(iter(scored))).truth
    names = truth.classes if isinstance(truth, DetectionTruth) else {}
    return {names.get(each, str(each)): dict(numbers) for each, numbers in by_class(scored).items()}


def _facts(plan: Plan, dataset: Dataset, protocol: Any, records: Sequence[Record], scored: int) -> dict[str, Any]:
    costs = [each.tracking for each in records if each.tracking]
    usual = "box" if _is_of_boxes(dataset, records) else "mask"  # what the benchmark tells; boxes have no mask to tell
    stepping = sum((each.frames - 1) / each.fps for each in costs if each.fps)
    return {
        "title": dataset.root.title,
        "dataset": plan.dataset,
        "split": dataset.split,
        "root": plan.root,
        "protocol": dataset.protocol,
        "protocol_options": {
            name: value for name, value in vars(protocol).items() if isinstance(value, (bool, int, str))
        },
        "tracker": plan.tracker,
        "model": plan.model,
        "prompt": "" if not plan.tracks else usual if plan.prompt == "mask" else plan.prompt,
        "usual_prompt": usual,
        "settings": dict(plan.settings),
        "results": plan.results,
        "videos": len(records),
        "videos_scored": scored,
        "videos_of_the_split": len(dataset),
        "complete": scored == len(dataset) - sum(not each.scores and not each.problem for each in records),
        "server": dataset.server,
        "frames": sum(each.frames for each in records),
        "seconds": sum(each.seconds for each in costs),
        "fps": sum(each.frames - 1 for each in costs if each.fps) / stepping if stepping else None,
        "peak_state_bytes": max((each.peak_state_bytes for each in costs), default=None),
        "devices": sorted({each.device for each in costs}),
        "machines": sorted({each.machine for each in costs} or {platform.node()}),
        "platform": platform.platform(),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
    }


def _is_of_boxes(dataset: Dataset, records: Sequence[Record]) -> bool:
    scored = next((each.sequence for each in records if not each.problem), None)
    return scored is not None and isinstance(dataset.layout.video(scored).truth, BoxTruth)


def _version(package: str) -> str:
    if package == "vidmem":
        return vidmem.__version__
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
