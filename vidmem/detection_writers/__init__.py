"""Where detections go, written as frames arrive so that a killed run leaves valid files.

To add one: write vidmem/detection_writers/NAME.py and its line in the table; tests/test_detection_writers.py tries it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    import numpy as np

    from vidmem.found import Found


class DetectionWriter(Protocol):
    """Made with the output folder and the names of the classes 1, 2, …; given every frame in order; closed once.

    Nothing is held that grows with the frames. A place that cannot be written raises InputError.
    """

    needs_image: bool  # whether `write` must be given the picture

    def __init__(self, folder: Path, classes: Sequence[str]) -> None: ...

    def write(self, found: Found, image: np.ndarray | None = None) -> None:
        """image (H, W, 3) uint8 RGB."""
        ...

    def close(self) -> None: ...


detection_writers: Catalog[DetectionWriter] = Catalog(
    "writer of detections",
    "vidmem.detection_writers",
    {
        "csv": "vidmem.detection_writers.table:Csv",  # detections.csv
        "coco": "vidmem.detection_writers.coco:Coco",  # detections.json, COCO's list of results
        "parquet": "vidmem.detection_writers.parquet:Parquet",  # detections.parquet
        "mp4": "vidmem.detection_writers.boxes:Boxes",  # boxes.mp4, boxes over the video
    },
)
