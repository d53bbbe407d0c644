"""Several trackers over one video in one pass: each frame is read and encoded once, each tracker answers in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vidmem import states
from vidmem.answers import advance
from vidmem.asked import Saying
from vidmem.emission import State, release
from vidmem.errors import DamagedSource, InputError
from vidmem.frames import Source
from vidmem.masks import read_labels
from vidmem.memory_record import NAME as RECORD
from vidmem.memory_record import MemoryRecord
from vidmem.metrics import protocols
from vidmem.models.shared import SharedEncoding
from vidmem.prompting import Pending
from vidmem.results import annotate
from vidmem.runlog import clear, has_run
from vidmem.saving import make_folder
from vidmem.side_by_side import SideBySide
from vidmem.summary import Summary, SummaryFile
from vidmem.tracker import Tracker
from vidmem.values import Frame, Prompt, Track
from vidmem.writers.palette import PaletteMasks

FILM, TABLE = "compare.mp4", "compare.json"


@dataclass(frozen=True)
class Standing:
    """How one tracker did."""

    summary: Summary
    agreement: float  # mean IoU of its masks with those of the first tracker, over frames and objects
    scores: Mapping[str, float] = field(default_factory=dict)  # J&F, J, F where the truth is known


@dataclass(frozen=True)
class Comparison:
    """How the trackers did, in the order they were named."""

    folder: Path
    standings: Mapping[str, Standing]
    frames: int
    damage: DamagedSource | None = None  # the source broke off behind the last frame


def compare(
    source: Source,
    trackers: Mapping[str, Tracker],
    sayings: Sequence[Saying],
    folder: Path,
    *,
    encoding: SharedEncoding,
    truth: Path | None = None,
    overwrite: bool = False,
    stop_after: int | None = None,
    watcher: Callable[[int], None] | None = None,
) -> Comparison:
    """Follow what was asked by every tracker, and write what each answered into `folder`.

    trackers: name -> tracker around `encoding`, the one model of all. truth: a folder of index PNGs named as the
    frames; frames without one are not scored. overwrite: replace an earlier comparison. watcher is given the number of
    frames done. Writes NAME/masks, NAME/memory.png, NAME/summary.json for each tracker, and compare.mp4.
    Raises InputError for a folder that is not empty and for prompts that do not fit, OutOfMemory.
    """
    if truth is not None and not truth.is_dir():
        raise InputError(f"--gt {truth} is no folder. Give the folder that holds one index PNG for each frame.")
    make_room(folder, overwrite)
    pending, damage, frames = Pending(tuple(sayings)), None, []
    with ExitStack() as closers:
        sheet = closers.enter_context(closing(SideBySide(make_folder(folder) / FILM, list(trackers))))
        rivals = {name: closers.enter_context(closing(_Rival(name, t, folder, sheet))) for name, t in trackers.items()}
        leader = next(iter(rivals.values()))
        try:
            for frame in source.between(0, stop_after):
                prompts, pending = pending.due(frame)
                encoding.encode(frame)
                sheet.show(frame.index, np.ascontiguousarray(frame.image.permute(1, 2, 0).numpy()))
                for rival in rivals.values():
                    rival.see(frame, prompts, encoding.seconds)
                frames.append(frame.name)
                if watcher:
                    watcher(len(frames))
        except DamagedSource as broken:
            damage = broken
        for rival in rivals.values():
            rival.end()
    if damage is None and stop_after is None:
        pending.must_be_over(source.name, len(frames))
    standings = {
        name: Standing(
            rival.summary.summary,
            _agreement(frames, folder / leader.name / "masks", folder / name / "masks"),
            _scores(frames, truth, folder / name / "masks", source.name) if truth else {},
        )
        for name, rival in rivals.items()
    }
    return Comparison(folder, standings, len(frames), damage)


def make_room(folder: Path, overwrite: bool) -> None:
    """Takes an earlier comparison away, and nothing else; InputError for a folder that holds something to be kept."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not overwrite:
        raise InputError(
            f"{folder} is not empty. Add --overwrite to replace the comparison in it, or choose another --out."
        )
    rivals = [each for each in folder.iterdir() if (each / RECORD).is_file() and not has_run(each)]
    if not rivals and not (folder / FILM).is_file():
        raise InputError(f"{folder} holds no comparison, so it is not overwritten. Choose another --out.")
    for rival in rivals:
        clear(rival)
        if not any(rival.iterdir()):
            rival.rmdir()
    for name in (FILM, TABLE):
        (folder / name).unlink(missing_ok=True)


class _Rival:
    """One tracker on its way, and where its answers go."""

    def __init__(self, name: str, tracker: Tracker, folder: Path, sheet: SideBySide):
        self.name, self.tracker, self.sheet = name, tracker, sheet
        place = make_folder(folder / name)
        self.masks, self.summary = PaletteMasks(place), SummaryFile(place, tracker=name)
        self.record = MemoryRecord(place, tracker.bank)
        self.state: State = {}
        self._held: tuple[Frame, ...] = ()

    def see(self, frame: Frame, prompts: Sequence[Prompt], encoding: float) -> None:
        """One frame. encoding: seconds its features took, which each tracker alone would have had to spend too."""
        began = time.perf_counter()
        self.state, out, self._held = advance(self.tracker, self.state, self._held, frame, prompts)
        seconds = time.perf_counter() - began + encoding
        for _, answer in out:
            self._give_out(answer, seconds)

    def end(self) -> None:
        """Give out what was held back."""
        _, out, self._held = release(self.tracker.emission, self.state, self._held, ended=True)
        for _, answer in out:
            self._give_out(answer, 0.0)

    def close(self) -> None:
        for each in (self.masks, self.summary, self.record):
            each.close()

    def _give_out(self, track: Track, seconds: float) -> None:
        annotation = annotate(track, overlap=False)
        size = states.nbytes(self.state)
        self.masks.write(annotation)
        self.summary.write(annotation, seconds, size)
        self.record.write(annotation, self.state, size)
        self.sheet.answer(self.name, annotation)


def _agreement(frames: Sequence[str], one: Path, other: Path) -> float:
    """Mean IoU over frames and objects; where both see nothing they agree."""
    shared = []
    for name in frames:
        a, b = read_labels(one / f"{name}.png"), read_labels(other / f"{name}.png")
        for object_id in sorted({*np.unique(a), *np.unique(b)} - {0}):
            joint = np.count_nonzero((a == object_id) | (b == object_id))
            shared.append(np.count_nonzero((a == object_id) & (b == object_id)) / joint)
    return float(np.mean(shared)) if shared else 1.0


def _scores(frames: Sequence[str], truth: Path, answers: Path, video: str) -> dict[str, float]:
    """J&F, J and F over the frames that have a truth, but the first and the last of them; a mean over objects."""
    protocol = protocols["vos_benchmark"]()
    known = (truth / f"{name}.png" for name in frames)
    scores = protocol.score(
        (read_labels(path) if path.is_file() else None for path in known),
        (read_labels(answers / f"{name}.png") for name in frames),
        video,
    )
    overall = protocol.overall({video: scores})
    return {name: overall[name] for name in ("J&F", "J", "F")}
