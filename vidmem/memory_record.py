"""What a run's memory was made of, frame by frame: kept small on disk as it goes, drawn as memory.png at the end."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vidmem.annotation import Annotation
from vidmem.banks import Bank
from vidmem.emission import State
from vidmem.errors import InputError
from vidmem.memory_account import Held, account
from vidmem.memory_picture import MemoryHistory, MemorySample, draw_memory

NAME = ".memory.jsonl"


class MemoryRecord:
    """Samples the memory of a run. Its own cost is bounded: the longer the run, the sparser the samples."""

    def __init__(self, folder: Path, bank: Bank, frames: int = 0):
        """frames: how many of an earlier run are gone on with; their samples are taken up again."""
        self.folder, self.bank = folder, bank
        earlier = _read(folder / NAME, frames)
        with (folder / NAME).open("w") as file:
            file.writelines(json.dumps(each) + "\n" for each in earlier)
        self.history = picture_of(folder)
        while self.history.offered < frames:
            self.history = self.history.add(None)
        self._file = (folder / NAME).open("a", buffering=1)

    def write(self, annotation: Annotation, state: State, state_bytes: int) -> None:
        """Take up one frame."""
        if not self.history.wants_next:
            self.history = self.history.add(None)
            return
        said = {
            "frame": annotation.frame,
            "state_bytes": state_bytes,
            "resident_bytes": resident_bytes(),
            "memory": [[i, [held.to_json() for held in each]] for i, each in account(state, self.bank).items()],
            "objects": [[i, round(each.score, 4), each.visible] for i, each in annotation.objects.items()],
        }
        self._file.write(json.dumps(said) + "\n")
        self.history = self.history.add(_sample(said))

    def close(self) -> None:
        self._file.close()
        draw_memory(self.history, self.folder / "memory.png")


def resident_bytes() -> int:
    """Main memory this process has now; where the system does not say, the most it ever had."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource  # which only systems of the Unix kind have

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _sample(said: dict) -> MemorySample:
    return MemorySample.of(
        said["frame"],
        said["state_bytes"],
        said["resident_bytes"],
        [(kind, frame) for kind, frame, *_ in said["memory"][0][1]] if said["memory"] else [],
        {object_id: (score, visible) for object_id, score, visible in said["objects"]},
    )


@dataclass(frozen=True)
class Moment:
    """What was remembered behind one frame of a run."""

    frame: int
    state_bytes: int
    memory: Mapping[int, tuple[Held, ...]]  # object id -> what the next frame attends


def moments(folder: Path) -> Iterator[Moment]:
    """Every moment a run has kept, in order. Raises InputError where there is no record."""
    if not (folder / NAME).is_file():
        raise InputError(f"{folder} holds no record of memory. Name the folder given to --out of `vidmem track`.")
    for said in _read(folder / NAME):
        memory = {object_id: tuple(map(Held.from_json, each)) for object_id, each in said["memory"]}
        yield Moment(said["frame"], said["state_bytes"], memory)


def picture_of(folder: Path) -> MemoryHistory:
    """The record of a run as `draw_memory` takes it."""
    history = MemoryHistory()
    for each in _read(folder / NAME):
        while history.offered < each["frame"]:
            history = history.add(None)
        history = history.add(_sample(each))
    return history


def _read(path: Path, frames: int | None = None) -> list[dict]:
    if frames == 0 or not path.is_file():
        return []
    whole = [line for line in path.read_text().splitlines() if line.endswith("}")]  # a kill may leave half a line
    return [said for said in map(json.loads, whole) if frames is None or said["frame"] < frames]
