"""How found scenes are written. One form a file: a function of the report, the path to write, and the source.

To add one: write vidmem/cuts/forms/NAME.py and its line in the table; tests/test_scene_forms.py tries it at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from pathlib import Path

    from vidmem.cuts.detect import SceneReport


class SceneForm(Protocol):
    def __call__(self, report: SceneReport, path: Path, source: str) -> None:
        """Writes `path`, whole or not at all. source: what the scenes were found in, to read pictures from again."""
        ...


forms: Catalog[SceneForm] = Catalog(
    "form of scenes",
    "vidmem.cuts.forms",
    {
        "json": "vidmem.cuts.forms.plain:write_json",
        "csv": "vidmem.cuts.forms.plain:write_csv",
        "edl": "vidmem.cuts.forms.edl:write_edl",  # CMX 3600, for editors
        "png": "vidmem.cuts.forms.sheet:write_sheet",  # a contact sheet
        "mp4": "vidmem.cuts.forms.chapters:write_chapters",  # the video itself, with chapters
    },
)
