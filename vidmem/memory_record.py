"""What a run's memory was made of, frame by frame: kept small on disk as it goes, drawn as memory.png at the end."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from vidmem.annotation import Annotation
from vidmem.banks import Bank
from vidmem.emission import State
from vidmem.memory_picture import MemoryHistory, MemorySample, draw_memory
from vidmem.values import Page

NAME = ".memory.jsonl"


class MemoryRecord:
    """Samples the memory of a run. Its own cost is bounded: the longer the run, the sparser the samples."""

    def __init__(self, folder: Path, bank: Bank, frames: int = 0):
        """frames: how many of an earlier run are gone on with; their samples are taken up again."""
        self.folder, self.bank = folder, bank
        self.history = MemoryHistory()
        earlier = _read(folder / NAME, frames)
        with (folder / NAME).open("w") as file:
            file.writelines(json.dumps(each) + "\n" for each in earlier)
        for each in earlier:
            while self.history.offered < each["frame"]:
                self.history = self.history.add(None)
            self.history = self.history.add(_sample(each))
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
            "entries": self._entries(state),
            "objects": [[i, round(each.score, 4), each.visible] for i, each in annotation.objects.items()],
        }
        self._file.write(json.dumps(said) + "\n")
        self.history = self.history.add(_sample(said))

    def close(self) -> None:
        self._file.close()
        draw_memory(self.history, self.folder / "memory.png")

    def _entries(self, state: State) -> list[tuple[str, int]]:
        """(kind, frame it was made of) of all that is attended for the first object."""
        for histories in state.values():
            memory = self.bank.read(histories[0].bank)
            if memory is None:
                return []
            pages = [(_kind(page), page.entry.frame) for page in memory.pages]
            seen = {frame for _, frame in pages}
            return pages + [("pointer", p.entry.frame) for p in memory.pointers if p.entry.frame not in seen]
        return []


def _kind(page: Page) -> str:
    """A kind of `memory_picture.KINDS`."""
    return "long-term" if page.entry.long_term else "prompt" if page.entry.prompted else "recent"


def resident_bytes() -> int:
    """Main memory this process has now; where the system does not say, the most it ever had."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _sample(said: dict) -> MemorySample:
    return MemorySample.of(
        said["frame"],
        said["state_bytes"],
        said["resident_bytes"],
        [(kind, frame) for kind, frame in said["entries"]],
        {object_id: (score, visible) for object_id, score, visible in said["objects"]},
    )


def _read(path: Path, frames: int) -> list[dict]:
    if not frames or not path.is_file():
        return []
    whole = [line for line in path.read_text().splitlines() if line.endswith("}")]  # a kill may leave half a line
    return [said for said in map(json.loads, whole) if said["frame"] < frames]
