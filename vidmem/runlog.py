"""run.jsonl: all that a run has said, a line a frame. A killed run is resumed from it, results are remade from it."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import rmtree
from typing import Any

from vidmem import rle
from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.errors import InputError
from vidmem.saving import GrowingFile, hidden, make_folder, refusal

NAME = "run.jsonl"
VERSION = 1
LEFT_BY_A_RUN = (  # what `clear_run` takes away; a user's own files in the folder stay
    *("masks", "objects", ".tracks.ytvos.items.part"),
    *("tracks.rle.json", "tracks.ytvos.json", "tracks.csv", "tracks.parquet", "overlay.mp4"),
    *("summary.json", "memory.png", "state.vmem", ".memory.jsonl", ".backwards"),
    NAME,  # last: a folder that is half cleared is still known as a run's
)


class RunLog:
    """Appends a line for each frame, at once on its way to the disk. Log a frame before its writers are given it: then
    a run killed between the two loses nothing.

    The first line holds facts of the run, each of the others a frame: masks in COCO run lengths, numbers in full.
    """

    def __init__(self, folder: Path, file: GrowingFile) -> None:
        self.path, self._file = Path(folder) / NAME, file

    @classmethod
    def start(cls, folder: Path, about: Mapping[str, Any] | None = None) -> RunLog:
        """A new log in place of any that is there. `about`: facts as JSON holds them (source, tracker, prompts)."""
        head = json.dumps({"vidmem": VERSION, "about": dict(about or {})})
        return cls(folder, GrowingFile(make_folder(Path(folder)) / NAME, head.encode() + b"\n"))

    @classmethod
    def resume(cls, folder: Path) -> RunLog:
        """The log as a killed run left it, to be continued; a half-written last line is taken away."""
        path = Path(folder) / NAME
        frames, end = deque(enumerate(end for _, end in _lines(path)), maxlen=1)[0]
        _cut(path, end)
        return cls(folder, GrowingFile.reopen(path, frames=frames))

    @property
    def frames(self) -> int:
        """How many frames it holds."""
        return self._file.frames

    def append(self, annotation: Annotation) -> None:
        """Raises InputError when the disk refuses; the log then ends with the frame before."""
        self._file.append(json.dumps(_to_json(annotation), separators=(",", ":")).encode() + b"\n")

    def truncate(self, after_frame: int) -> None:
        """Takes away what follows the last line of frame `after_frame`; every frame when that one was not logged."""
        keep = 0, 0
        for number, (content, end) in enumerate(_lines(self.path)):
            if number == 0 or content["frame"] == after_frame:
                keep = number, end
        self._file.close()
        _cut(self.path, keep[1])
        self._file = GrowingFile.reopen(self.path, frames=keep[0])

    def close(self) -> None:
        self._file.close()

    @staticmethod
    def read(folder: Path) -> Iterator[Annotation]:
        """Every frame of a run, in the order written; none is held. A half-written last line is passed over.

        Raises InputError when there is no log, or a line within it is damaged.
        """
        for number, (content, _) in enumerate(_lines(Path(folder) / NAME)):
            if number:
                yield _from_json(content)

    @staticmethod
    def about(folder: Path) -> dict[str, Any]:
        """The facts the run was started with."""
        return next(_lines(Path(folder) / NAME))[0]["about"]


def has_run(folder: Path) -> bool:
    """Whether a run was logged there."""
    return (Path(folder) / NAME).is_file()


def clear_run(folder: Path) -> None:
    """Takes away what an earlier run left in the folder, nothing else. Does nothing where no run was logged."""
    if has_run(folder):
        clear(folder)


def clear(folder: Path) -> None:
    """Takes away the files that bear the names of a run's, and their halves that a kill may have left."""
    for name in LEFT_BY_A_RUN:
        for path in (hidden(Path(folder) / name), Path(folder) / name):
            try:
                rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
            except OSError as error:
                raise refusal(path, error) from error


def _lines(path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """Each whole line and the offset behind it."""
    end = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file):
                if not line.endswith(b"\n"):
                    break  # a killed run may leave half of its last line
                end += len(line)
                yield _parse(line, number, path), end
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): {path.parent} holds no run. Name the folder given to --out."
        ) from error
    if end == 0:
        raise InputError(f"{path} is empty: {path.parent} holds no run. Run it again with --overwrite.")


def _parse(line: bytes, number: int, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(line)
        if number == 0 and content["vidmem"] != VERSION:
            raise ValueError(f"it is of version {content['vidmem']}, this vidmem reads {VERSION}")
        if number and not {"frame", "objects"} <= content.keys():
            raise ValueError("it is no frame")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path} is damaged in line {number + 1} ({error}). Take away that line and all behind it, then --resume; "
            "or run it again with --overwrite."
        ) from error
    return content


def _cut(path: Path, length: int) -> None:
    try:
        os.truncate(path, length)
    except OSError as error:
        raise refusal(path, error) from error


def _to_json(annotation: Annotation) -> dict[str, Any]:
    return {
        "frame": annotation.frame,
        "time": float(annotation.time),
        "name": annotation.name,
        "size": list(annotation.size),
        "objects": [
            {
                "id": object_id,
                "mask": each.counts,
                **({} if each.exclusive is None else {"exclusive": rle.encode(each.exclusive)}),
                "score": float(each.score),
                "visible": bool(each.visible),
                "pred_iou": float(each.pred_iou),
                "object_score_logit": float(each.object_score_logit),
                "prompted": bool(each.prompted),
            }
            for object_id, each in annotation.objects.items()
        ],
    }


def _from_json(content: dict[str, Any]) -> Annotation:
    height, width = content["size"]
    size = height, width
    return Annotation(
        content["frame"],
        content["time"],
        content["name"],
        size,
        {
            each["id"]: ObjectAnnotation(
                rle.decode(each["mask"], size),
                each["score"],
                each["visible"],
                each["pred_iou"],
                each["object_score_logit"],
                each["prompted"],
                rle.decode(each["exclusive"], size) if "exclusive" in each else None,
            )
            for each in content["objects"]
        },
    )
