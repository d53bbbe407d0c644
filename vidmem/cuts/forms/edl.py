"""Scenes as an edit decision list (CMX 3600), which editing programs read: one event a scene, in non-drop time code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vidmem.saving import replacing

if TYPE_CHECKING:
    from vidmem.cuts.detect import SceneReport


def write_edl(report: SceneReport, path: Path, source: str) -> None:
    with replacing(path) as file:
        file.write(as_edl(report).encode())


def as_edl(report: SceneReport) -> str:
    """The text. Frames are counted, not timed, at the rate's next whole number, as non-drop time code does."""
    rate = max(1, round(report.rate))
    name = Path(report.source).name
    lines = [f"TITLE: {name}", "FCM: NON-DROP FRAME", ""]
    for scene in report.scenes:
        span = f"{timecode(scene.first, rate)} {timecode(scene.last + 1, rate)}"
        lines += [f"{scene.number:03d}  AX       V     C        {span} {span}", f"* FROM CLIP NAME: {name}", ""]
    return "\n".join(lines)


def timecode(frame: int, rate: int) -> str:
    """HH:MM:SS:FF of a frame counted from 0."""
    seconds, rest = divmod(frame, rate)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{rest:02d}"
