"""Scenes as a contact sheet: the middle frame of each, where it lies, and how deep the cut at its end is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vidmem.errors import InputError
from vidmem.saving import replacing

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from vidmem.cuts.detect import Scene, SceneReport

WIDE, TALL = 240, 135  # pixels a thumbnail may take
UNDER = 34  # pixels of writing below it
GAP = 10
COLUMNS = 6
MOST = 120  # scenes of a sheet; of more, an even choice


def write_sheet(report: SceneReport, path: Path, source: str) -> None:
    """Raises InputError for a source that cannot be read a second time."""
    sheet = draw_sheet(report, thumbnails(report, source))
    with replacing(path) as file:
        sheet.save(file, format="PNG", optimize=True)


def shown(report: SceneReport) -> list[Scene]:
    """The scenes on the sheet."""
    count = len(report.scenes)
    return [report.scenes[int(i)] for i in np.linspace(0, count - 1, min(count, MOST))]


def thumbnails(report: SceneReport, source: str) -> dict[int, Picture]:
    """Scene number -> its middle frame, small; read in one pass."""
    from PIL import Image

    from vidmem.frames import watch

    wanted = {(scene.first + scene.last) // 2: scene.number for scene in shown(report)}
    found: dict[int, Picture] = {}
    video = watch(source)
    try:
        if not video.seekable:
            raise InputError(f"{source} cannot be read a second time for a contact sheet. Leave png out of --formats.")
        for frame in video.between(0, max(wanted) + 1):
            if frame.index in wanted:
                picture = Image.fromarray(np.ascontiguousarray(frame.image.permute(1, 2, 0).numpy()))
                picture.thumbnail((WIDE, TALL))
                found[wanted[frame.index]] = picture
    finally:
        video.close()
    return found


def draw_sheet(report: SceneReport, pictures: dict[int, Picture]) -> Picture:
    from PIL import Image, ImageDraw, ImageFont

    scenes = shown(report)
    columns = min(COLUMNS, len(scenes))
    rows = -(-len(scenes) // columns)
    width, height = max(columns, 3) * (WIDE + GAP) + GAP, 40 + rows * (TALL + UNDER + GAP) + GAP
    sheet = Image.new("RGB", (width, height), (24, 26, 30))
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(16), ImageFont.load_default(12)
    left_out = f", {len(scenes)} shown" if len(scenes) < len(report.scenes) else ""
    title = f"{Path(report.source).name}   {len(report.scenes)} scenes{left_out}   {report.frames} frames"
    draw.text((GAP, 11), title, (235, 235, 235), large)
    for place, scene in enumerate(scenes):
        x, y = GAP + place % columns * (WIDE + GAP), 40 + place // columns * (TALL + UNDER + GAP)
        draw.rectangle((x, y, x + WIDE - 1, y + TALL - 1), (12, 13, 15))
        if scene.number in pictures:
            picture = pictures[scene.number]
            sheet.paste(picture, (x + (WIDE - picture.width) // 2, y + (TALL - picture.height) // 2))
        draw.text((x, y + TALL + 2), f"{scene.number}   {clock(scene.start)} - {clock(scene.end)}", "white", small)
        end = "end of the video" if scene.depth is None else f"cut behind frame {scene.last}, depth {scene.depth:.2f}"
        draw.text((x, y + TALL + 17), end, (150, 156, 166), small)
    return sheet


def clock(seconds: float) -> str:
    """1:02:03.4, without hours where there are none."""
    tenths = round(seconds * 10)
    hours, minutes, rest = tenths // 36000, tenths // 600 % 60, tenths % 600 / 10
    return (f"{hours}:{minutes:02d}" if hours else f"{minutes}") + f":{rest:04.1f}"
