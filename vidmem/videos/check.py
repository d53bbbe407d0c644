"""Walks a whole data set and says everything that is wrong with it, where `Video` stops at the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from vidmem.errors import DamagedSource, InputError
from vidmem.videos.dataset import Dataset
from vidmem.videos.root import BrokenDataset
from vidmem.videos.truth import BoxTruth, DetectionTruth, MaskTruth
from vidmem.videos.video import Video

Size = tuple[int, int]
"""(H, W) in pixels."""

TURNED = (5, 6, 7, 8)  # values of the EXIF orientation that exchange height and width


@dataclass(frozen=True)
class Problem:
    """Something wrong with a file or folder. `what` goes on from the path."""

    path: Path
    what: str


@dataclass(frozen=True)
class Findings:
    """What there is, and what is wrong with it."""

    videos: int = 0
    frames: int = 0
    masks: int = 0  # of one object in one frame, with at least a pixel
    boxes: int = 0  # of one object in one frame
    objects: int = 0  # masks or boxes that belong together over time
    problems: tuple[Problem, ...] = field(default_factory=tuple)

    def __add__(self, other: Findings) -> Findings:
        return Findings(
            self.videos + other.videos,
            self.frames + other.frames,
            self.masks + other.masks,
            self.boxes + other.boxes,
            self.objects + other.objects,
            (*self.problems, *other.problems),
        )


def check(dataset: Dataset, quick: bool = False, tell: Callable[[str, int, int], None] | None = None) -> Findings:
    """Every video of a split: its frames, its truth, and whether they agree.

    quick: read only how large pictures say they are, do not decode them. tell: is given each video's name before it is
    looked at, its number and how many there are.
    """
    found = Findings()
    try:
        names = dataset.names()
    except InputError as error:
        return Findings(problems=(_problem(error, dataset.root.path),))
    for number, name in enumerate(names):
        if tell is not None:
            tell(name, number, len(names))
        try:
            found += check_video(dataset.layout.video(name), quick)
        except InputError as error:
            found += Findings(1, problems=(_problem(error, dataset.root.path / name),))
    return found


def check_video(video: Video, quick: bool = False) -> Findings:
    """As `check`, of one video."""
    problems: list[Problem] = []
    sizes = _pictures(video, quick, problems) if video.pictures else _film(video, problems)
    told = {MaskTruth: _masks, BoxTruth: _boxes, DetectionTruth: _detections}[type(video.truth)]
    found = told(video, sizes, problems)
    return Findings(1, len(video)) + found + Findings(problems=tuple(dict.fromkeys(problems)))


def _problem(error: InputError, path: Path) -> Problem:
    return Problem(error.path, error.reason) if isinstance(error, BrokenDataset) else Problem(path, str(error))


def _pictures(video: Video, quick: bool, problems: list[Problem]) -> dict[str, Size]:
    """Frame name -> its size, of the pictures that can be read."""
    sizes: dict[str, Size] = {}
    gone = {each.parent for each in video.pictures if not each.parent.is_dir()}
    problems.extend(Problem(folder, "is missing") for folder in sorted(gone))
    for path in video.pictures:
        if path.parent in gone:
            continue
        try:
            with Image.open(path) as picture:
                width, height = picture.size
                turned = picture.getexif().get(0x0112) in TURNED
                if not quick:
                    picture.load()
        except FileNotFoundError:
            problems.append(Problem(path, "is missing"))
            continue
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            problems.append(Problem(path, f"cannot be read as an image ({error})"))
            continue
        size = sizes[path.stem] = (width, height) if turned else (height, width)
        first = next(iter(sizes.values()))
        if size != first:
            problems.append(Problem(path, f"is {_say(size)}, the frames before it are {_say(first)}"))
    return sizes


def _film(video: Video, problems: list[Problem]) -> dict[str, Size]:
    """The same of a video file, every frame of which is decoded."""
    sizes: dict[str, Size] = {}
    try:
        source = video.frames()
    except InputError as error:
        problems.append(_problem(error, Path(video.name)))
        return sizes
    try:
        sizes = {frame.name: frame.size for frame in source}
    except DamagedSource as error:
        problems.append(Problem(Path(source.name), str(error)))
        return sizes
    finally:
        source.close()
    if len(sizes) != len(video):
        problems.append(Problem(Path(source.name), f"has {len(sizes)} frames, the annotations speak of {len(video)}"))
    return sizes


def _masks(video: Video, sizes: dict[str, Size], problems: list[Problem]) -> Findings:
    truth = video.truth
    assert isinstance(truth, MaskTruth)
    try:
        objects, annotated = truth.objects, truth.annotated
    except InputError as error:
        problems.append(_problem(error, Path(video.name)))
        return Findings()
    if not objects:
        problems.append(Problem(truth.store.place(annotated[0]), "shows no object"))
    seen: dict[int, set[str]] = {object_id: set() for object_id in objects}
    for name in annotated:
        if name not in video.frame_names:
            problems.append(Problem(truth.store.place(name), f"is a mask of {name}, which is no frame of {video.name}"))
        try:
            masks = truth.masks(name) or {}
        except InputError as error:
            problems.append(_problem(error, truth.store.place(name)))
            continue
        for object_id, mask in masks.items():
            if name in sizes and mask.shape != sizes[name]:
                what = f"has a mask of {_say(mask.shape)} for {name}, the frame is {_say(sizes[name])}"
                problems.append(Problem(truth.store.place(name), what))
            if mask.any():
                seen[object_id].add(name)
    problems.extend(_unsupported(truth, seen))
    return Findings(masks=sum(map(len, seen.values())), objects=len(objects))


def _unsupported(truth: MaskTruth, seen: dict[int, set[str]]) -> Iterator[Problem]:
    """Objects that begin, or are scored, where no mask says so."""
    for object_id, each in truth.objects.items():
        if each.begins not in seen[object_id]:
            yield Problem(truth.store.place(each.begins), f"does not show object {object_id}, which begins there")
        lacking = [name for name in each.scored or () if name not in truth.annotated]
        if lacking and truth.complete:
            reach = f"frame {lacking[0]} and {len(lacking) - 1} more" if len(lacking) > 1 else f"frame {lacking[0]}"
            what = f"is missing: object {object_id} is scored in {reach} that are not annotated"
            yield Problem(truth.store.place(lacking[0]), what)


def _boxes(video: Video, sizes: dict[str, Size], problems: list[Problem]) -> Findings:
    truth = video.truth
    assert isinstance(truth, BoxTruth)
    boxes = {name: box for name in truth.names if (box := truth.box(name)) is not None}
    first = next(iter(boxes), None)
    if first is None:
        problems.append(Problem(truth.path, "has no frame in which the object is to be seen"))
    elif not _has_extent(boxes[first]):
        problems.append(Problem(truth.path, f"has no box in frame {first}, where a tracker is told of the object"))
    elif first in sizes and not _is_inside(boxes[first], sizes[first]):
        problems.append(Problem(truth.path, f"has its first box outside of frame {first}, {_say(sizes[first])}"))
    return Findings(boxes=sum(map(_has_extent, boxes.values())), objects=1)


def _detections(video: Video, sizes: dict[str, Size], problems: list[Problem]) -> Findings:
    truth = video.truth
    assert isinstance(truth, DetectionTruth)
    tracks: set[int] = set()
    count = 0
    try:
        frames = truth.frames
    except InputError as error:
        problems.append(_problem(error, truth.path))
        return Findings()
    lacking = [name for name in video.frame_names if name not in frames]
    if lacking and truth.complete:
        problems.append(
            Problem(truth.path, f"does not speak of every frame; lacking: {len(lacking)}, first {lacking[0]}")
        )
    for name, boxes in frames.items():
        if name not in video.frame_names:
            problems.append(Problem(truth.path, f"speaks of {name}, which is no frame of {video.name}"))
        for each in boxes:
            count += 1
            tracks.add(each.track_id)
            if not _has_extent(each.box):
                problems.append(Problem(truth.path, f"has a box without extent in {name}: {each.box}"))
            elif name in sizes and not _is_inside(each.box, sizes[name]):
                problems.append(Problem(truth.path, f"has a box outside of {name}, {_say(sizes[name])}: {each.box}"))
    return Findings(boxes=count, objects=len(tracks))


def _has_extent(box: tuple[float, float, float, float]) -> bool:
    x0, y0, x1, y1 = box
    return bool(np.isfinite(box).all()) and x1 > x0 and y1 > y0


def _is_inside(box: tuple[float, float, float, float], size: Size) -> bool:
    """Whether a box shares anything with the picture."""
    x0, y0, x1, y1 = box
    return x0 < size[1] and y0 < size[0] and x1 > 0 and y1 > 0


def _say(size: tuple[int, ...]) -> str:
    return f"{size[1]} x {size[0]}"
