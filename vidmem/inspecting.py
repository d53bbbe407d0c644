"""What a run or a saved session remembers at a frame, and the pictures of what it remembers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vidmem import states
from vidmem.banks import Bank
from vidmem.errors import InputError
from vidmem.frames import Source
from vidmem.memory_account import Held, account
from vidmem.memory_record import moments
from vidmem.runlog import RunLog, has_run
from vidmem.session import Kept


@dataclass(frozen=True)
class Inspection:
    """What was remembered behind one frame."""

    place: Path
    frame: int
    state_bytes: int
    memory: Mapping[int, tuple[Held, ...]]  # object id -> what the next frame attends
    prompts: Mapping[int, tuple[int, ...]] = field(default_factory=dict)  # of a session: frame -> objects marked there


def inspect(place: Path, bank: Bank, frame: int | None = None) -> Inspection:
    """What `place` remembers behind `frame`, or its last frame: the nearest moment kept at or before it.

    place: the folder of a run, or the file of a saved session or state. bank: the one it was made with; a run's folder
    does not ask for it. Raises InputError for a place that holds neither, and for a frame before the first moment.
    """
    if place.is_dir():
        if not has_run(place):
            raise InputError(f"{place} holds no run. Name the folder given to --out, or the file of a saved session.")
        last = None
        for moment in moments(place):
            if frame is None or moment.frame <= frame:
                last = moment
        if last is None:
            raise _too_early(place, frame)
        return Inspection(place, last.frame, last.state_bytes, last.memory)
    if not place.is_file():
        raise InputError(f"There is no {place}. Name the folder of a run, or the file of a saved session.")
    state, notes = states.load(place)
    _must_be_of(bank, state, place)
    if not isinstance(state, Kept):
        return Inspection(place, notes.get("frames", 0) - 1, states.nbytes(state), account(state or {}, bank))
    newest = max(state.checkpoints.states, default=0) if frame is None else frame + 1
    found = state.checkpoints.before(newest)
    if found is None:
        raise _too_early(place, frame)
    at, then = found
    prompts = {number: tuple(sorted(asked)) for number, asked in sorted(state.asked.items())}
    return Inspection(place, at - 1, states.nbytes(then), account(then, bank), prompts)


def over_time(folder: Path, object_id: int) -> list[tuple[int, tuple[Held, ...]]]:
    """Each frame of a run at which its memory was recorded, and what was held of the object behind it."""
    return [(moment.frame, moment.memory.get(object_id, ())) for moment in moments(folder)]


def _must_be_of(bank: Bank, state: Any, place: Path) -> None:
    """Raises InputError for the state of another bank: it could not be read, or would be read wrongly."""
    known = state.checkpoints.states.values() if isinstance(state, Kept) else [state or {}]
    made = {type(histories[0].bank) for each in known for histories in each.values()}
    if made - {type(bank.start())}:
        raise InputError(
            f"{place} was made with another memory ({', '.join(each.__name__ for each in made)}). Name the tracker it "
            "was made with by --tracker."
        )


def thumbnails(
    folder: Path, source: Source, wanted: Iterable[tuple[int, int]], margin: float = 0.35
) -> dict[tuple[int, int], np.ndarray]:
    """(object id, frame) -> (h, w, 3) uint8: the surroundings of the object in that frame, the object outlined.

    folder: of the run, whose log says where the object was. The source is read once, forwards, up to the last frame.
    """
    from vidmem.drawing import draw

    frames = {frame for _, frame in wanted}
    said = {each.frame: each for each in RunLog.read(folder) if each.frame in frames}
    pictures: dict[tuple[int, int], np.ndarray] = {}
    for frame in source.between(0, max(frames, default=-1) + 1):
        if frame.index not in said:
            continue
        image = np.ascontiguousarray(frame.image.permute(1, 2, 0).numpy())
        annotation = said[frame.index]
        for object_id, at in wanted:
            if at == frame.index and object_id in annotation.objects:
                shown = draw(image, annotation)
                pictures[object_id, at] = _around(shown, annotation.objects[object_id].box, margin)
    return pictures


def _around(image: np.ndarray, box: tuple[float, float, float, float] | None, margin: float) -> np.ndarray:
    """The picture around a box, square where it can be; the whole picture where there is no box."""
    height, width = image.shape[:2]
    if box is None:
        return image
    x0, y0, x1, y1 = box
    reach = max(x1 - x0, y1 - y0) * (0.5 + margin)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    left, top = int(max(0, x - reach)), int(max(0, y - reach))
    return image[top : int(min(height, y + reach)) + 1, left : int(min(width, x + reach)) + 1]


def _too_early(place: Path, frame: int | None) -> InputError:
    at = "" if frame is None else f" at or before frame {frame}"
    return InputError(f"{place} has kept no memory{at}. Ask for a later frame, or leave --frame out for the last one.")
