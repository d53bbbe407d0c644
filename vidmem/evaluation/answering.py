"""What answers in an evaluation, in words that change when it does: with a card, a default, or the weights."""

from __future__ import annotations

import hashlib
import re
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

from vidmem.evaluation.plan import Plan

ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of an object that has no words of its own


def parts_of(plan: Plan) -> dict[str, str]:
    """Each part of the plan's tracker with all its numbers, what its card asks of the model, and the weights' hash.

    Raises UsageError where card and settings make no tracker, ModelError where they make one for other weights.
    """
    from vidmem.compose import backbone_of, load, read
    from vidmem.models.toy import Toy

    seer = plan.model if backbone_of(plan.tracker, plan.settings) else Toy()
    tracker = load(plan.tracker, seer, settings=plan.settings)
    parts = {each.name: ADDRESS.sub("", repr(getattr(tracker, each.name))) for each in fields(tracker)}
    asked = {**read(plan.tracker).get("model", {}), "name": plan.model}
    return {**parts, "model": ADDRESS.sub("", repr(asked)), "weights": _weights(plan.model)}


def _weights(model: str) -> str:
    """The hash of a model's weights; "" where it has none, or none yet on this machine."""
    from vidmem.models import manifest

    known = {each.name: each for each in manifest.every()}
    path = known[model].path if model in known else Path(model)
    if path.is_file():
        about = path.stat()
        return _hash(path, about.st_size, about.st_mtime_ns)
    return known[model].sha256 if model in known else ""


@lru_cache(maxsize=8)
def _hash(path: Path, size: int, changed: int) -> str:
    """Of a file; many trackers are asked about one, and it may be a gigabyte."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
