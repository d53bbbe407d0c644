"""tracks.parquet: one row for each object and frame, the table of tracks.csv with the masks and the raw scores."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from vidmem.annotation import Annotation
from vidmem.errors import InputError, UsageError
from vidmem.saving import hidden, make_folder, refusal

ROWS = 1000  # of a row group: what is held in memory before it is written


class Parquet:
    """Columns: those of tracks.csv, then name, height, width, prompted, pred_iou, object_score_logit and rle.

    The footer of a Parquet file stands last and no reader takes a file without it. So rows go to a hidden file, which
    takes the place of tracks.parquet when the frames have doubled and at the end: a killed run leaves a whole file
    that may lack its later half, which --resume or export mends. Needs pyarrow.
    """

    needs_image = False

    def __init__(self, folder: Path) -> None:
        # Arrow's own pool keeps what it frees, and so grows. It is chosen when pyarrow is first imported.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as missing:
            raise UsageError("Writing Parquet needs pyarrow: pip install 'vidmem[parquet]'") from missing
        self._arrow, self._parquet = pyarrow, pyarrow.parquet
        self._schema = pyarrow.schema(
            [
                ("frame", pyarrow.int64()),
                ("time", pyarrow.float64()),
                ("object", pyarrow.int64()),
                *((edge, pyarrow.float64()) for edge in ("x0", "y0", "x1", "y1")),  # null when the mask is empty
                ("score", pyarrow.float64()),
                ("visible", pyarrow.bool_()),
                ("area", pyarrow.int64()),
                ("name", pyarrow.string()),
                ("height", pyarrow.int32()),
                ("width", pyarrow.int32()),
                ("prompted", pyarrow.bool_()),
                ("pred_iou", pyarrow.float64()),
                ("object_score_logit", pyarrow.float64()),
                ("rle", pyarrow.string()),  # COCO's counts
            ]
        )
        self.path = make_folder(Path(folder)) / "tracks.parquet"
        self.frames = 0
        self._whole = 0  # how many frames tracks.parquet holds
        self._rows: list[dict[str, Any]] = []
        self._writer: Any = self._begin()
        self._finish()
        self._writer = self._begin()

    def write(self, annotation: Annotation, image: np.ndarray | None = None) -> None:
        """Raises InputError when the disk refuses; the file then holds frames before."""
        height, width = annotation.size
        for object_id, each in annotation.objects.items():
            box = zip(("x0", "y0", "x1", "y1"), each.box or (None,) * 4, strict=True)
            self._rows.append(
                {
                    "frame": annotation.frame,
                    "time": annotation.time,
                    "object": object_id,
                    **dict(box),
                    "score": each.score,
                    "visible": each.visible,
                    "area": each.area,
                    "name": annotation.name,
                    "height": height,
                    "width": width,
                    "prompted": each.prompted,
                    "pred_iou": each.pred_iou,
                    "object_score_logit": each.object_score_logit,
                    "rle": each.counts,
                }
            )
        self.frames += 1
        if len(self._rows) >= ROWS:
            self._write_rows()
        if self.frames >= 2 * self._whole:
            self._finish()
            self._writer = self._begin()
            self._copy_whole()

    def _begin(self) -> Any:
        """A writer of the hidden file."""
        try:
            # Statistics are held until the end, and those of run lengths are long.
            return self._parquet.ParquetWriter(
                hidden(self.path), self._schema, compression="zstd", write_statistics=["frame", "time", "object"]
            )
        except OSError as error:
            raise self._give_up(error) from error

    def _write_rows(self) -> None:
        if self._rows:
            try:
                self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
            except OSError as error:
                raise self._give_up(error) from error
            self._rows = []

    def _finish(self) -> None:
        """Closes the hidden file and lets it take its place."""
        self._write_rows()
        try:
            self._writer.close()
            os.replace(hidden(self.path), self.path)
        except OSError as error:
            raise self._give_up(error) from error
        self._whole = self.frames

    def _copy_whole(self) -> None:
        """Puts what tracks.parquet holds at the head of the new hidden file, a row group at a time."""
        try:
            with self._parquet.ParquetFile(self.path) as whole:
                for batch in whole.iter_batches(ROWS):
                    self._writer.write_batch(batch)
        except OSError as error:
            raise self._give_up(error) from error

    def _give_up(self, error: OSError) -> InputError:
        """After a refusal the hidden file is beyond use; tracks.parquet stays as it was."""
        self._writer = None
        with suppress(OSError):  # it is hidden, and the next run replaces it
            hidden(self.path).unlink(missing_ok=True)
        return refusal(self.path, error, self._whole)

    def close(self) -> None:
        if self._writer is not None:
            self._finish()
