"""COCO-VID: one JSON file of videos, images, categories and annotations, as mmtracking made of VID, MOT and others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vidmem.videos.root import Root
from vidmem.videos.truth import DetectionTruth, TrueBox
from vidmem.videos.video import Video, of_pictures

TRACK = ("instance_id", "track_id", "mot_instance_id")  # what projects call the same; the first that is there
FLAGS = {"occluded": "occluded", "generated": "generated", "iscrowd": "crowd", "ignore": "ignored"}


@dataclass(frozen=True)
class CocoVid:
    """Videos of a COCO-VID file.

    annotations   the JSON file
    frames        the folder that the images' file names are below
    inclusive     whether a box's x + w and y + h are its last pixels, as mmtracking leaves those of VID
    """

    root: Root
    annotations: str
    frames: str = "."
    inclusive: bool = False

    def names(self) -> list[str]:
        return list(self._videos)

    def video(self, name: str) -> Video:
        top = self.root.folder(self.frames)
        rows = self._images[self._videos[name]]
        images = [top / row["file_name"] for row in rows]
        if not images:
            raise self.root.broken(self._file, f"has no images of the video {name}")
        truth = DetectionTruth(self._file, lambda: self._frames(rows), self._classes, self.inclusive)
        return of_pictures(self.root, name, images, truth)

    @property
    def _file(self) -> Path:
        return self.root.path / self.annotations

    @cached_property
    def _said(self) -> dict[str, Any]:
        return self.root.json(self._file, videos=list, images=list, annotations=list, categories=list)

    @cached_property
    def _videos(self) -> Mapping[str, int]:
        return {str(row["name"]): row["id"] for row in self._rows("videos", "id", "name")}

    @cached_property
    def _classes(self) -> Mapping[int, str]:
        return {row["id"]: row["name"] for row in self._rows("categories", "id", "name")}

    @cached_property
    def _images(self) -> Mapping[int, list[dict[str, Any]]]:
        found = defaultdict(list)
        for row in self._rows("images", "id", "video_id", "frame_id", "file_name"):
            found[row["video_id"]].append(row)
        for rows in found.values():
            rows.sort(key=lambda row: row["frame_id"])
        return found

    @cached_property
    def _boxes(self) -> Mapping[int, list[dict[str, Any]]]:
        found = defaultdict(list)
        for row in self._rows("annotations", "image_id", "category_id", "bbox"):
            found[row["image_id"]].append(row)
        return found

    def _rows(self, table: str, *needed: str) -> list[dict[str, Any]]:
        for number, row in enumerate(self._said[table]):
            lacking = [word for word in needed if word not in row]
            if lacking:
                raise self.root.broken(self._file, f"lacks {', '.join(lacking)} in {table}[{number}]")
        return self._said[table]

    def _frames(self, rows: list[dict[str, Any]]) -> Mapping[str, tuple[TrueBox, ...]]:
        return {Path(row["file_name"]).stem: tuple(map(self._box, self._boxes.get(row["id"], ()))) for row in rows}

    def _box(self, row: dict[str, Any]) -> TrueBox:
        track = next((row[word] for word in TRACK if word in row), None)
        try:
            x, y, width, height = map(float, row["bbox"])
            track_id = int(track) if track is not None else -1
        except (TypeError, ValueError) as error:
            raise self.root.broken(self._file, f"has an annotation without four numbers for its box: {row}") from error
        if row["category_id"] not in self._classes:
            raise self.root.broken(
                self._file, f"has an annotation of category {row['category_id']}, which it does not list"
            )
        flags = frozenset(flag for word, flag in FLAGS.items() if row.get(word))
        return TrueBox(
            row["category_id"], track_id, (x, y, x + width, y + height), flags, float(row.get("visibility", 1.0))
        )
