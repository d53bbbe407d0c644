"""Writers: where results go, written as frames arrive so that a killed run leaves valid files.

To add one: write vidmem/writers/NAME.py and its line in the table; tests/test_writers.py tries it at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    import numpy as np

    from vidmem.annotation import Annotation


class Writer(Protocol):
    """Made with the output folder; given every frame in order; closed once.

    After a crash the same frames may be given again from the first on: a writer starts its file anew. What stands on
    disk after any `write` is whole, whether or not `close` is ever called. Nothing is held that grows with the frames.
    A place that cannot be written raises InputError with one line that says what, where and how to mend it.
    """

    needs_image: bool  # whether `write` must be given the picture

    def __init__(self, folder: Path) -> None: ...

    def write(self, annotation: Annotation, image: np.ndarray | None = None) -> None:
        """image (H, W, 3) uint8 RGB."""
        ...

    def close(self) -> None: ...


writers: Catalog[Writer] = Catalog(
    "writer",
    "vidmem.writers",
    {
        "png": "vidmem.writers.palette:PaletteMasks",  # masks/NAME.png, DAVIS palette, index = object id
        "object-png": "vidmem.writers.objects:ObjectMasks",  # objects/ID/NAME.png, 255 on the object; overlap is kept
        "rle": "vidmem.writers.rle:CocoRle",  # tracks.rle.json, COCO run lengths
        "ytvos": "vidmem.writers.ytvos:YoutubeVos",  # tracks.ytvos.json, YouTube-VIS form
        "csv": "vidmem.writers.table:Csv",  # tracks.csv, boxes and scores
        "parquet": "vidmem.writers.parquet:Parquet",  # tracks.parquet, the same with masks
        "mp4": "vidmem.writers.overlay:Overlay",  # overlay.mp4, coloured masks over the video
    },
)
