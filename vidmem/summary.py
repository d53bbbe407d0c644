"""summary.json: a run in a few numbers, kept as it goes in memory that depends on the number of objects alone."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.saving import make_folder, replacing

Span = tuple[int, int]  # first and last frame, both within

SPANS_KEPT = 1000  # of each object; later ones are only counted
SECONDS_BETWEEN_SAVES = 2.0


@dataclass(frozen=True)
class ObjectSummary:
    """One object so far."""

    first: int  # the first frame it was followed in
    last: int  # the latest
    frames: int = 0  # how many it was followed in
    visible: int = 0  # how many it was seen in
    score_sum: float = 0.0  # over the frames it was seen in
    closed: tuple[Span, ...] = ()  # lost and found again
    spans: int = 0  # how many times it was lost
    lost_since: int | None = None

    @property
    def mean_score(self) -> float | None:
        """Over the frames it was seen in; None if it never was."""
        return self.score_sum / self.visible if self.visible else None

    @property
    def lost(self) -> tuple[Span, ...]:
        """The spans of frames in which it was followed but not seen; the last may be open still."""
        open_ = () if self.lost_since is None or self.spans > SPANS_KEPT else ((self.lost_since, self.last),)
        return self.closed + open_

    def saw(self, frame: int, each: ObjectAnnotation) -> ObjectSummary:
        """This summary after one more frame."""
        now = replace(self, last=frame, frames=self.frames + 1)
        if each.visible:
            if self.lost_since is not None and self.spans <= SPANS_KEPT:
                now = replace(now, closed=(*self.closed, (self.lost_since, self.last)))
            return replace(now, visible=now.visible + 1, score_sum=now.score_sum + each.score, lost_since=None)
        return now if self.lost_since is not None else replace(now, lost_since=frame, spans=self.spans + 1)


@dataclass(frozen=True)
class Summary:
    """A run so far. `seconds` are those spent on frames, whoever spent them: what a resumed run replays costs none."""

    frames: int = 0
    timed: int = 0  # how many of the frames `seconds` is about
    seconds: float = 0.0
    peak_bytes: int = 0
    objects: Mapping[int, ObjectSummary] = field(default_factory=dict)

    def saw(self, annotation: Annotation, seconds: float = 0.0, state_bytes: int = 0) -> Summary:
        """This summary after one more frame, which took `seconds` (0: it was replayed) and left a state so large."""
        objects = dict(self.objects)
        for object_id, each in annotation.objects.items():
            before = objects.get(object_id) or ObjectSummary(annotation.frame, annotation.frame)
            objects[object_id] = before.saw(annotation.frame, each)
        return Summary(
            self.frames + 1,
            self.timed + (seconds > 0),
            self.seconds + seconds,
            max(self.peak_bytes, state_bytes),
            objects,
        )

    @property
    def fps(self) -> float | None:
        """Frames a second; None before any was timed."""
        return self.timed / self.seconds if self.seconds > 0 else None

    def as_json(self, **more: Any) -> dict[str, Any]:
        """The content of summary.json. `lost_spans` and each object's `lost` are the same lists of [first, last]."""
        fps = self.fps
        return {
            "frames": self.frames,
            "fps": None if fps is None else round(fps, 3),
            "peak_bytes": self.peak_bytes,
            "objects": {str(object_id): _object_as_json(each) for object_id, each in self.objects.items()},
            "lost_spans": {str(object_id): _spans(each) for object_id, each in self.objects.items()},
            **more,
        }


def _object_as_json(each: ObjectSummary) -> dict[str, Any]:
    mean = each.mean_score
    return {
        "first": each.first,
        "last": each.last,
        "frames": each.frames,
        "visible": each.visible,
        "mean_score": None if mean is None else round(mean, 6),
        "lost": _spans(each),
        "times_lost": each.spans,  # above the length of `lost` when that was cut at 1000
    }


def _spans(each: ObjectSummary) -> list[list[int]]:
    return [sorted(span) for span in each.lost]  # a run backwards closes them at the lower end


class SummaryFile:
    """Keeps summary.json up to date: saved whole every two seconds and at the end. `more`: facts to stand in it too."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.path = make_folder(Path(folder)) / "summary.json"
        self.summary = Summary()
        self.more = more
        self._saved_at = 0.0
        self.save()

    def write(self, annotation: Annotation, seconds: float = 0.0, state_bytes: int = 0) -> None:
        """Raises InputError when the disk refuses."""
        self.summary = self.summary.saw(annotation, seconds, state_bytes)
        if time.monotonic() - self._saved_at >= SECONDS_BETWEEN_SAVES:
            self.save()

    def save(self) -> None:
        with replacing(self.path, self.summary.frames) as file:
            file.write(json.dumps(self.summary.as_json(**self.more), indent=2).encode() + b"\n")
        self._saved_at = time.monotonic()

    def close(self) -> None:
        self.save()
