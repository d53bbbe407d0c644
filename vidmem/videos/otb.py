"""OTB 2013 and 2015 (Wu et al., TPAMI 2015): one object a video, some videos twice with another object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from vidmem.videos.box_lines import as_corners, must_match, read_rows
from vidmem.videos.root import Root
from vidmem.videos.truth import BoxTruth
from vidmem.videos.video import Video, of_pictures


@dataclass(frozen=True)
class Otb:
    """VIDEO/img/*.jpg and VIDEO/groundtruth_rect.txt (x,y,w,h a frame, parted by commas, tabs or blanks).

    Two objects have groundtruth_rect.1.txt and groundtruth_rect.2.txt; such videos are named VIDEO.1 and VIDEO.2. An
    empty file is none (Human4's first).

    sequences  the videos by their folders; without, all that are there
    ranges     video -> first and last number of the frames that are annotated, where they are not all
    """

    root: Root
    sequences: Sequence[str] = ()
    ranges: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def names(self) -> list[str]:
        return list(self._files)

    def video(self, name: str) -> Video:
        path = self._files[name]
        images = self.root.images(path.parent / "img")
        if path.parent.name in self.ranges:
            first, last = self.ranges[path.parent.name]
            images = [each for each in images if each.stem.isdecimal() and first <= int(each.stem) <= last]
        boxes = as_corners(read_rows(self.root, path, [4]))
        must_match(self.root, path, len(boxes), len(images))
        truth = BoxTruth(path, tuple(each.stem for each in images), boxes, np.zeros(len(boxes), bool))
        return of_pictures(self.root, name, images, truth)

    @cached_property
    def _files(self) -> dict[str, Path]:
        found = {}
        for folder in self.sequences or self.root.folders(self.root.path):
            files = sorted((self.root.path / folder).glob("groundtruth_rect*.txt"))
            if not files and self.sequences:
                raise self.root.broken(self.root.path / folder / "groundtruth_rect.txt", "is missing")
            for path in files:
                if self.root.text(path).strip():
                    found[folder + path.stem.removeprefix("groundtruth_rect")] = path
        if not found:
            raise self.root.broken(self.root.path, "holds no VIDEO/groundtruth_rect.txt")
        return found
