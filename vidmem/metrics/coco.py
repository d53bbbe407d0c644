"""The twelve numbers of COCO (Lin et al. 2014), of boxes or of masks.

By pycocotools: it is the reference itself, it is kept up, and vidmem needs it anyway. faster-coco-eval gave the same
twelve numbers to the last digit when tried, in a fraction of the time. Frames are taken in the order given, which
matters where scores are equal: give images by rising id to have the numbers of COCO's files.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.detections import Detections, DetectionScores, TrueObjects, annotated_objects

NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")


@dataclass(frozen=True)
class Coco:
    """Every frame is an image. NaN where the truth has no object of that size."""

    of: Literal["boxes", "masks"] = "boxes"

    def score(
        self, truth: Iterable[TrueObjects | None], answers: Iterable[Detections | None], video: str = ""
    ) -> DetectionScores:
        true_rows, rows = [], []
        frame = -1
        for frame, (true, answer) in enumerate(annotated_objects(truth, answers, video)):
            true_rows += [(frame, *row) for row in self._true_rows(true, video)]
            boxes = np.reshape(answer.boxes, (-1, 4))
            shapes = self._shapes(boxes, answer.masks, video)
            rows += [(frame, *row) for row in zip(shapes, answer.classes, answer.scores, strict=True)]
        return {
            "frames": np.array([frame + 1]),
            **_columns("true ", true_rows, ("frame", "shape", "class", "crowd", "area")),
            **_columns("", rows, ("frame", "shape", "class", "score")),
        }

    def _true_rows(self, true: TrueObjects, video: str) -> Iterable[tuple]:
        boxes = np.reshape(true.boxes, (-1, 4))
        shapes = self._shapes(boxes, true.masks, video)
        crowd = np.zeros(len(boxes), bool) if true.crowd is None else true.crowd
        areas = true.areas
        if areas is None and true.masks is not None and self.of == "masks":
            areas = np.array([np.count_nonzero(mask) for mask in true.masks])
        elif areas is None:
            areas = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
        return zip(shapes, true.classes, crowd, areas, strict=True)

    def _shapes(self, boxes: np.ndarray, masks: Any, video: str) -> list[Any]:
        """What COCO calls bbox or segmentation."""
        if self.of == "boxes":
            return [[x0, y0, x1 - x0, y1 - y0] for x0, y0, x1, y1 in boxes.tolist()]
        if masks is None or len(masks) != len(boxes):
            raise InputError(
                f"Video {video!r} lacks a mask for each of its {len(boxes)} objects. Mask AP needs them all."
            )
        from pycocotools import mask as coco

        return [coco.encode(np.asfortranarray(mask, np.uint8)) for mask in masks]

    def overall(self, videos: Mapping[str, DetectionScores]) -> dict[str, float]:
        """AP, AP50, AP75, APs, APm, APl, AR1, AR10, AR100, ARs, ARm, ARl."""
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        field = "bbox" if self.of == "boxes" else "segmentation"
        annotations, results, images = [], [], 0
        for video in videos.values():
            for frame, shape, kind, crowd, area in zip(*_lists(video, "true "), strict=True):
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": images + frame,
                        "category_id": kind,
                        "iscrowd": int(crowd),
                        "area": area,
                        field: shape,
                    }
                )
            for frame, shape, kind, score in zip(*_lists(video, ""), strict=True):
                results.append({"image_id": images + frame, "category_id": kind, "score": score, field: shape})
            images += int(video["frames"][0])
        if not annotations:
            raise InputError(
                "No true object was given, so there is no precision. Give the truth of at least one frame."
            )
        truth: Any = COCO()
        kinds = sorted({each["category_id"] for each in [*annotations, *results]})
        truth.dataset = {
            "images": [{"id": image, "height": 0, "width": 0} for image in range(images)],  # run lengths know theirs
            "annotations": annotations,
            "categories": [{"id": kind} for kind in kinds],
        }
        with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints as it goes
            truth.createIndex()
            if not results:
                return dict.fromkeys(NAMES, 0.0)
            evaluation = COCOeval(truth, truth.loadRes(results), "bbox" if self.of == "boxes" else "segm")
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        numbers = [float(each) for each in evaluation.stats]
        return {name: float("nan") if each == -1 else each for name, each in zip(NAMES, numbers, strict=True)}


def _columns(prefix: str, rows: list[tuple], names: tuple[str, ...]) -> DetectionScores:
    columns = {}
    for place, name in enumerate(names):
        column = np.empty(len(rows), object)
        column[:] = [row[place] for row in rows]
        columns[prefix + name] = column if name == "shape" else column.astype(np.float64)
    return columns


def _lists(video: DetectionScores, prefix: str) -> list[list[Any]]:
    """The columns in the order in which they were laid down, whole numbers where they are."""
    names = ("frame", "shape", "class", "crowd", "area") if prefix else ("frame", "shape", "class", "score")
    whole = ("frame", "class", "crowd")
    return [
        [int(each) for each in video[prefix + name]] if name in whole else video[prefix + name].tolist()
        for name in names
    ]
