"""A picture of what is remembered at a frame: a thumbnail an entry with why it is kept, above what it was over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vidmem.inspecting import Inspection
from vidmem.memory_account import Held
from vidmem.saving import replacing

TILE, WORDS, COLUMNS = 148, 46, 10  # pixels of a thumbnail's side and of the words below it; thumbnails in a row
PAPER, INK, QUIET = (255, 255, 255), (24, 24, 24), (110, 110, 110)


def draw_sheet(
    inspection: Inspection,
    pictures: Mapping[tuple[int, int], np.ndarray],
    path: Path,
    below: Sequence[bytes] = (),
) -> None:
    """Draw what is remembered into a PNG.

    pictures: (object id, frame) -> its thumbnail; an entry without one gets a grey tile. below: PNGs that are set below
    it, as wide as the sheet. Raises InputError when the file cannot be written.
    """
    rows: list[Image.Image] = [_words(f"remembered behind frame {inspection.frame}", 18, INK, 34)]
    for object_id, held in inspection.memory.items():
        size = sum(each.nbytes for each in held)
        rows.append(_words(f"object {object_id}: {len(held)} entries, {size / 1024:.1f} KiB", 14, INK, 26))
        for start in range(0, len(held), COLUMNS):
            rows.append(_row(object_id, held[start : start + COLUMNS], pictures, inspection.frame))
    width = COLUMNS * TILE
    for each in below:
        drawn = Image.open(BytesIO(each)).convert("RGB")
        rows.append(drawn.resize((width, round(drawn.height * width / drawn.width)), Image.Resampling.LANCZOS))
    sheet = Image.new("RGB", (COLUMNS * TILE, sum(row.height for row in rows)), PAPER)
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    with replacing(path) as file:
        sheet.save(file, "PNG", optimize=True)


def _row(object_id: int, held: Sequence[Held], pictures: Mapping[tuple[int, int], np.ndarray], now: int) -> Image.Image:
    row = Image.new("RGB", (COLUMNS * TILE, TILE + WORDS), PAPER)
    pen, font = ImageDraw.Draw(row), ImageFont.load_default(11)
    for place, each in enumerate(held):
        x = place * TILE
        picture = pictures.get((object_id, each.frame))
        if picture is None:
            pen.rectangle((x + 3, 3, x + TILE - 4, TILE - 4), (236, 236, 236))
        else:
            tile = Image.fromarray(picture)
            tile.thumbnail((TILE - 6, TILE - 6), Image.Resampling.LANCZOS)
            row.paste(tile, (x + (TILE - tile.width) // 2, (TILE - tile.height) // 2))
        slot = "" if each.slot is None else f", slot {each.slot}"
        pen.text((x + 5, TILE), f"{each.kind}{slot}", INK, font)
        pen.text((x + 5, TILE + 14), f"frame {each.frame}, {now + 1 - each.frame} ago", QUIET, font)
        pen.text((x + 5, TILE + 28), f"iou {each.pred_iou:.2f}, score {each.object_score_logit:.1f}", QUIET, font)
    return row


def _words(text: str, size: int, colour: tuple[int, int, int], height: int) -> Image.Image:
    strip = Image.new("RGB", (COLUMNS * TILE, height), PAPER)
    ImageDraw.Draw(strip).text((6, height // 2), text, colour, ImageFont.load_default(size), anchor="lm")
    return strip
