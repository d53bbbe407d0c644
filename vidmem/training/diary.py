"""What a training run tells: a line for every step in metrics.jsonl, a judgement now and then in curve.jsonl."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Report = Callable[[str], None]
TELL_EVERY = 15.0  # seconds between two steps that are reported


class Diary:
    """Appends to the two files of a run's folder, and reports a step now and then and every judgement.

    step: how far the run is; lines of later steps, left by a run that was cut off, are dropped.
    """

    def __init__(self, out: Path, step: int, report: Report | None = None):
        self.metrics, self.curve = out / "metrics.jsonl", out / "curve.jsonl"
        self.report = report or (lambda _: None)
        self._told = 0.0
        for place in (self.metrics, self.curve):
            if place.exists():
                kept = [line for line in place.read_text().splitlines() if line and json.loads(line)["step"] <= step]
                place.write_text("".join(line + "\n" for line in kept if step))

    def step(self, line: dict[str, Any]) -> None:
        """One step was taken."""
        _append(self.metrics, line)
        if time.monotonic() - self._told > TELL_EVERY:
            self._told = time.monotonic()
            self.report(_words(line))

    def judgement(self, line: dict[str, Any]) -> None:
        """The weights were judged."""
        _append(self.curve, line)
        self.report("judged: " + _words(line))


def _append(place: Path, line: dict[str, Any]) -> None:
    with place.open("a") as file:
        file.write(json.dumps({name: _short(value) for name, value in line.items()}) + "\n")


def _words(line: dict[str, Any]) -> str:
    return "  ".join(f"{name} {_short(value)}" for name, value in line.items())


def _short(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value
