"""Tight boxes around true masks, as a COCO-VID file, so that detectors can be tried on a data set of masks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vidmem.errors import UsageError
from vidmem.videos.dataset import Dataset
from vidmem.videos.truth import MaskTruth
from vidmem.videos.video import Video


def boxes_from_masks(dataset: Dataset, classes: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The content of a COCO-VID file, to be read by the layout `coco_vid` with the data set's root as root.

    classes: video -> the name of what its objects are; without, by the objects' own category, or "object". A frame
    whose mask is empty has no annotation, one without a mask is left out. Raises UsageError for a data set of boxes.
    """
    said: dict[str, Any] = {"videos": [], "images": [], "annotations": [], "categories": []}
    numbers: dict[str, int] = {}
    for video in dataset:
        truth = video.truth
        if not isinstance(truth, MaskTruth):
            raise UsageError(f"{dataset.root.title} has boxes already; they are derived from masks only.")
        video_id = len(said["videos"]) + 1
        said["videos"].append({"id": video_id, "name": video.name})
        names = {
            object_id: (classes or {}).get(video.name) or each.category or "object"
            for object_id, each in truth.objects.items()
        }
        for name in names.values():
            numbers.setdefault(name, len(numbers) + 1)
        for frame, name in enumerate(video.frame_names):
            masks = truth.masks(name)
            if masks is None:
                continue
            image_id = len(said["images"]) + 1
            said["images"].append(_image(dataset, video, frame, image_id, video_id, next(iter(masks.values())).shape))
            for object_id, mask in masks.items():
                box = tight_box(mask)
                if box is not None:
                    x0, y0, x1, y1 = box
                    said["annotations"].append(
                        {
                            "id": len(said["annotations"]) + 1,
                            "image_id": image_id,
                            "video_id": video_id,
                            "category_id": numbers[names[object_id]],
                            "instance_id": object_id,
                            "bbox": [x0, y0, x1 - x0, y1 - y0],
                            "area": int(np.count_nonzero(mask)),
                            "iscrowd": 0,
                        }
                    )
    said["categories"] = [{"id": number, "name": name} for name, number in numbers.items()]
    return said


def tight_box(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """x0 y0 x1 y1 of the pixels of a mask, x1 and y1 one behind the last; None where it has none.  mask (H, W) bool"""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _image(
    dataset: Dataset, video: Video, frame: int, image_id: int, video_id: int, size: tuple[int, ...]
) -> dict[str, Any]:
    path = video.pictures[frame].relative_to(dataset.root.path) if video.pictures else video.frame_names[frame]
    return {
        "id": image_id,
        "video_id": video_id,
        "frame_id": frame,
        "file_name": str(path),
        "height": size[0],
        "width": size[1],
    }
