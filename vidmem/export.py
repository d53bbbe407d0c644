"""Results in another form: of a finished or killed run, of its tracks.rle.json, or of a folder of index PNGs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidmem import rle
from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.errors import InputError, UsageError
from vidmem.masks import read_labels
from vidmem.runlog import NAME, RunLog, has_run
from vidmem.writers import writers

if TYPE_CHECKING:
    from vidmem.values import Frame


def export(
    place: str | Path,
    formats: Sequence[str],
    out: str | Path,
    source: Iterable[Frame] | None = None,
    rate: float = 25.0,
) -> int:
    """Writes the results at `place` in other formats into the folder `out`; returns how many frames there were.

    `place`: a run's folder, a COCO JSON as vidmem or others write it, or a folder of index PNGs. `formats`: names of
    `vidmem.writers.writers`. `source`: the frames, in order, for formats that show them (mp4). `rate`: frames a second,
    for PNGs, which do not know their times. Raises InputError and UsageError.
    """
    makers = {name: writers[name] for name in formats}
    shows = [name for name, maker in makers.items() if getattr(maker, "needs_image", False)]
    if shows and source is None:
        raise UsageError(
            f"{shows[0]} shows the pictures of the source: name it with --source, or leave {shows[0]} out."
        )
    pictures = _Pictures(source) if shows and source is not None else None
    frames = 0
    with ExitStack() as closers:
        made = []
        for annotation in read_results(place, rate):  # opened before any writer, so that a wrong place leaves no files
            if not made:
                made = [closers.enter_context(closing(maker(Path(out)))) for maker in makers.values()]
            picture = pictures.at(annotation.frame) if pictures else None
            for writer in made:
                writer.write(annotation, picture)
            frames += 1
    if not frames:
        raise InputError(f"{place} holds no frames.")
    return frames


def read_results(place: str | Path, rate: float = 25.0) -> Iterator[Annotation]:
    """Every frame of results, in order, one at a time. See `export` for what `place` and `rate` may be."""
    place = Path(place)
    if place.is_dir() and has_run(place):
        return RunLog.read(place)
    if place.is_dir():
        return _from_pngs(place / "masks" if (place / "masks").is_dir() else place, rate)
    if place.suffix == ".json":
        return _from_coco(place, rate)
    raise InputError(f"{place} holds no results: it is neither a run's folder, nor a COCO JSON, nor a folder of PNGs.")


class _Pictures:
    """The pictures of a source that is read once, forwards, asked for by frame index."""

    def __init__(self, source: Iterable[Frame]) -> None:
        self._frames = iter(source)
        self._latest: Frame | None = None

    def at(self, index: int) -> np.ndarray:
        """(H, W, 3) uint8 RGB."""
        while self._latest is None or self._latest.index < index:
            self._latest = next(self._frames, None)
            if self._latest is None:
                raise InputError(
                    f"The source ends before frame {index} of the results. Name the source they were made of."
                )
        if self._latest.index != index:
            raise InputError(f"The source has no frame {index} in the order of the results, so it cannot be drawn on.")
        return np.ascontiguousarray(self._latest.image.permute(1, 2, 0).cpu().numpy())


def natural(name: str) -> list[Any]:
    """A key that sorts names with numbers as a person does: 2 before 10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def _from_pngs(folder: Path, rate: float) -> Iterator[Annotation]:
    """Index PNGs tell nothing but masks: scores are 1, an object is visible where it has a pixel."""
    paths = sorted(folder.glob("*.png"), key=lambda path: natural(path.stem))
    if not paths:
        raise InputError(f"{folder} holds no results: there is neither {NAME} nor a PNG in it.")
    known: set[int] = set()
    for frame, path in enumerate(paths):
        labels = read_labels(path)
        known |= {int(object_id) for object_id in np.unique(labels) if object_id}
        objects = {object_id: _plain(labels == object_id) for object_id in sorted(known)}
        height, width = labels.shape
        yield Annotation(frame, frame / rate, path.stem, (height, width), objects)


def _plain(mask: np.ndarray) -> ObjectAnnotation:
    return ObjectAnnotation(mask, 1.0, bool(mask.any()))


def _from_coco(path: Path, rate: float) -> Iterator[Annotation]:
    """A COCO JSON, which has to be read whole. What others leave out: the frame is the image's place in the list."""
    try:
        content = json.loads(path.read_bytes())
        found: dict[Any, list[dict[str, Any]]] = {}
        for each in content["annotations"]:
            found.setdefault(each["image_id"], []).append(each)
        for row, image in enumerate(content["images"]):
            frame = int(image.get("frame", row))
            size = int(image["height"]), int(image["width"])
            objects = dict(_from_coco_object(each, size) for each in found.pop(image["id"], ()))
            name = image.get("name") or Path(image.get("file_name") or f"{frame:05d}").stem
            time = image.get("time")
            yield Annotation(frame, frame / rate if time is None else float(time), str(name), size, objects)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no COCO JSON of masks ({type(error).__name__}: {error}). It needs images with id, height and "
            "width, and annotations with image_id and a segmentation in run lengths."
        ) from error


def _from_coco_object(each: dict[str, Any], size: tuple[int, int]) -> tuple[int, ObjectAnnotation]:
    mask = rle.decode(each["segmentation"]["counts"], size)
    object_id = each.get("object_id") or each.get("track_id") or each.get("instance_id") or each["id"]
    score = float(each.get("score") or 0.0) if "score" in each else 1.0
    logit = each.get("object_score_logit")
    return int(object_id), ObjectAnnotation(
        mask,
        score,
        bool(each.get("visible", mask.any())),
        float(each.get("pred_iou") or score),
        10.0 if logit is None else float(logit),
        exclusive=rle.decode(each["exclusive"]["counts"], size) if "exclusive" in each else None,
    )
