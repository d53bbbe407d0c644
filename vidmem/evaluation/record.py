"""The record of one video: written last and in one move, so a video is done exactly when its record is there."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from vidmem.errors import InputError


@dataclass(frozen=True)
class Tracking:
    """What tracking a video cost."""

    frames: int
    seconds: float  # reading, tracking and writing
    fps: float  # frames a second of the tracker's steps alone, from the second frame on
    peak_state_bytes: int  # of the largest state between two frames
    device: str
    machine: str


@dataclass(frozen=True)
class Record:
    """What came of one video."""

    sequence: str
    frames: int = 0
    scores: Mapping[str, Any] = field(default_factory=dict)  # as the protocol has them
    tracking: Tracking | None = None  # None when the results were made elsewhere
    problem: str = ""  # why there is no score, in one line
    trace: str = ""

    def to_json(self) -> bytes:
        return json.dumps(finite(asdict(self)), indent=1, allow_nan=False).encode()

    @classmethod
    def from_json(cls, content: bytes, where: str) -> Record:
        """Raises InputError for what is no record of this version."""
        try:
            said = json.loads(content)
            tracking = Tracking(**said.pop("tracking")) if said.get("tracking") else None
            return cls(**{**said, "tracking": tracking})
        except (ValueError, TypeError, KeyError) as problem:
            raise InputError(
                f"{where} is no record of this version ({problem}). Remove it, then go on with --resume."
            ) from problem


def name_of(sequence: str) -> str:
    """The file of a video's record."""
    return f"records/{sequence}.json"


def finite(value: Any) -> Any:
    """The same with None for NaN and the infinities, which JSON does not know."""
    if isinstance(value, Mapping):
        return {str(key): finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
