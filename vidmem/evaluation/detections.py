"""Detections of a whole data set in one COCO JSON: read, and scored video by video."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from vidmem.errors import InputError
from vidmem.evaluation.plan import Plan
from vidmem.metrics.detections import Detections, TrueObjects
from vidmem.metrics.motion import motion_ious
from vidmem.videos import Dataset, DetectionTruth, TrueBox, Video, open_dataset

FILE = "detections.json"  # where results are named by their folder
NEEDED = ("image_id", "category_id", "bbox", "score")

Row = Mapping[str, Any]


def score_detections(plan: Plan, video: Video, protocol: Any, path: Path) -> Mapping[str, np.ndarray]:
    """What a protocol of detections says of one video, by the file `path`. Raises InputError."""
    truth = video.truth
    assert isinstance(truth, DetectionTruth)
    found = read(path, plan)
    motion = motion_of(video, truth)
    true = (_true(truth.boxes(name), name, motion) for name in video.frame_names)
    return protocol.score(true, (_answer(found.rows(video.name, name)) for name in video.frame_names), video.name)


@dataclass(frozen=True)
class Found:
    """The detections of a file, by frame. Files may name frames from further up than data sets name videos."""

    by_ending: dict[str, dict[str, list[Row]]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, frame: str, row: Row) -> None:
        self.by_ending[_ending(frame)].setdefault(frame, []).append(row)

    def rows(self, video: str, frame: str) -> list[Row]:
        """Those of one frame of a video, in the order of the file."""
        wanted = f"{video}/{frame}"
        alike = self.by_ending.get(_ending(wanted), {})
        return [row for name, rows in alike.items() if f"/{name}".endswith(f"/{wanted}") for row in rows]


def read(path: Path, plan: Plan) -> Found:
    """The detections in a JSON file, each with image_id, category_id, score and bbox (x, y, width, height in pixels).

    The file is COCO's list of results, or a mapping whose `annotations` are that list and whose `images` name it. An
    image_id is looked up in `images`, else in the data set's own JSON file; or it is the text VIDEO/FRAME; or the
    number of the frame, counted from 1 through all videos of the split in order, as ILSVRC's list numbers them.
    Raises InputError for a file that is missing or has another content.
    """
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    return _read(path, changed, plan.dataset, plan.root, plan.split)


@lru_cache(maxsize=1)  # the file is one for all videos, and may be large
def _read(path: Path, changed: int, card: str, root: str, split: str) -> Found:
    try:
        said = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(f"There are no detections {path}. Name the COCO JSON with --results.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error}).") from error
    listed = said.get("annotations") if isinstance(said, dict) else said
    if not isinstance(listed, list):
        raise InputError(f"{path} is no COCO JSON of detections: neither a list nor a mapping with `annotations`.")
    try:
        named = _named(said["images"]) if isinstance(said, dict) and "images" in said else None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise InputError(f"{path}: each of `images` is to be a mapping with an id and a file_name.") from None
    found = Found()
    for number, row in enumerate(listed):
        if problem := _wrong(row):
            raise InputError(f"{path}, detection {number}: {row} {problem}.")
        image = row["image_id"]
        if isinstance(image, str) and named is None:
            found.add(_stem(image), row)
            continue
        if named is None:
            named = _numbers(open_dataset(card, root, split or None))
        if image not in named:
            raise InputError(f"{path}, detection {number}: there is no frame with the image_id {image!r}.")
        found.add(named[image], row)
    return found


def _wrong(row: Any) -> str:
    """What is wrong with a detection; "" where nothing is."""
    if not isinstance(row, dict) or any(word not in row for word in NEEDED):
        return f"lacks one of {', '.join(NEEDED)}"
    if not isinstance(row["bbox"], list) or len(row["bbox"]) != 4 or not all(map(_number, row["bbox"])):
        return "has a bbox that is not 4 numbers (x, y, width, height in pixels)"
    if not _number(row["score"]):
        return "has a score that is not a number"
    if not _number(row["category_id"]) or int(row["category_id"]) != row["category_id"]:
        return "has a category_id that is not a whole number; classes are given by the number the data set has for them"
    return ""


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _named(images: list[Row]) -> dict[Any, str]:
    """image id -> VIDEO/FRAME."""
    return {each["id"]: _stem(each["file_name"]) for each in images}


def _numbers(dataset: Dataset) -> dict[Any, str]:
    """image id -> VIDEO/FRAME, as the data set's own JSON file has them, else counted from 1."""
    truth = dataset.layout.video(dataset.names()[0]).truth
    if isinstance(truth, DetectionTruth) and truth.path.suffix == ".json":
        return _named(json.loads(truth.path.read_bytes())["images"])
    frames = (f"{video.name}/{name}" for video in dataset for name in video.frame_names)
    return dict(enumerate(frames, start=1))


def _stem(file: str) -> str:
    """The file without what follows its last dot."""
    return str(PurePosixPath(file).with_suffix(""))


def _ending(frame: str) -> str:
    return "/".join(frame.split("/")[-2:])


def _answer(rows: list[Row]) -> Detections:
    boxes = np.array([row["bbox"] for row in rows], np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    classes, scores = ([row[word] for row in rows] for word in ("category_id", "score"))
    return Detections(boxes, np.array(classes, np.int64), np.array(scores, np.float64))


def _true(
    boxes: tuple[TrueBox, ...] | None, frame: str, motion: Mapping[tuple[str, int], float] | None
) -> TrueObjects | None:
    if boxes is None:
        return None
    return TrueObjects(
        np.array([each.box for each in boxes], np.float64).reshape(-1, 4),
        np.array([each.class_id for each in boxes], np.int64),
        None if motion is None else np.array([motion[frame, each.track_id] for each in boxes], np.float64),
        np.array(["crowd" in each.flags for each in boxes], bool),
    )


def motion_of(video: Video, truth: DetectionTruth) -> dict[tuple[str, int], float] | None:
    """(frame, track) -> the motion IoU of that box, by which speed is told; None where objects have no track."""
    tracks: dict[int, dict[int, TrueBox]] = defaultdict(dict)
    for index, name in enumerate(video.frame_names):
        for each in truth.boxes(name) or ():
            if each.track_id < 0:
                return None
            tracks[each.track_id][index] = each
    found = {}
    for track_id, track in tracks.items():
        boxes = {index: each.box for index, each in track.items()}
        for index, value in motion_ious(boxes, inclusive=truth.inclusive).items():
            found[video.frame_names[index], track_id] = value
    return found
