"""Scenes as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidmem.saving import number, replacing

if TYPE_CHECKING:
    from vidmem.cuts.detect import Scene, SceneReport

COLUMNS: tuple[str, ...] = ("number", "first", "last", "start", "end", "depth", "likeness")


def as_table(report: SceneReport) -> dict[str, Any]:
    """The report in plain values."""
    return {
        "source": report.source,
        "frames": report.frames,
        "rate": number(report.rate),
        "encoder": report.encoder,
        "rule": {
            name: value if not isinstance(value, float) else number(value)
            for name, value in asdict(report.rule).items()
        },
        "cuts": [
            {"frame": scene.last, "time": number(scene.end), "depth": row["depth"], "likeness": row["likeness"]}
            for scene in report.scenes[:-1]
            for row in [_row(scene)]
        ],
        "scenes": [_row(scene) for scene in report.scenes],
    }


def write_json(report: SceneReport, path: Path, source: str) -> None:
    with replacing(path) as file:
        file.write((json.dumps(as_table(report), indent=1) + "\n").encode())


def write_csv(report: SceneReport, path: Path, source: str) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(scene) for scene in report.scenes)
    with replacing(path) as file:
        file.write(text.getvalue().encode())


def _row(scene: Scene) -> dict[str, Any]:
    return {each: number(value) if isinstance(value := getattr(scene, each), float) else value for each in COLUMNS}
