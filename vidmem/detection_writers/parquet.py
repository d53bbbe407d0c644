"""detections.parquet: the table of detections.csv."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from vidmem.errors import UsageError
from vidmem.found import Found
from vidmem.saving import hidden, make_folder, refusal

ROWS = 2000  # of a row group: what is held in memory before it is written


class Parquet:
    """A Parquet file is whole only when it is closed, so it takes its name then. Needs pyarrow."""

    needs_image = False

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        # Arrow's own pool keeps what it frees, and so grows. It is chosen when pyarrow is first imported.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as missing:
            raise UsageError("Writing Parquet needs pyarrow: pip install 'vidmem[parquet]'") from missing
        self._arrow, self._classes = pyarrow, list(classes)
        edges = [(edge, pyarrow.float64()) for edge in ("x0", "y0", "x1", "y1")]
        self._schema = pyarrow.schema(
            [
                ("frame", pyarrow.int64()),
                ("time", pyarrow.float64()),
                ("name", pyarrow.string()),
                ("class", pyarrow.string()),
                ("score", pyarrow.float64()),
                *edges,
                ("id", pyarrow.int64()),
            ]
        )
        self.path = make_folder(Path(folder)) / "detections.parquet"
        self._rows: list[dict[str, Any]] = []
        try:
            self._file = pyarrow.parquet.ParquetWriter(hidden(self.path), self._schema)
        except OSError as error:
            raise refusal(self.path, error) from error

    def write(self, found: Found, image: np.ndarray | None = None) -> None:
        """Raises InputError when the disk refuses."""
        for row in range(len(found)):
            x0, y0, x1, y1 = (float(each) for each in found.boxes[row])
            said = {"frame": found.frame, "time": found.time, "name": found.name}
            said |= {"class": self._classes[int(found.labels[row]) - 1], "score": float(found.scores[row])}
            said |= {"x0": x0, "y0": y0, "x1": x1, "y1": y1}
            self._rows.append({**said, "id": None if found.ids is None else int(found.ids[row])})
        if len(self._rows) >= ROWS:
            self._flush()

    def _flush(self) -> None:
        try:
            self._file.write_table(self._arrow.Table.from_pylist(self._rows, self._schema))
        except OSError as error:
            raise refusal(self.path, error) from error
        self._rows = []

    def close(self) -> None:
        with suppress(FileNotFoundError):
            self._flush()
            self._file.close()
            os.replace(hidden(self.path), self.path)
