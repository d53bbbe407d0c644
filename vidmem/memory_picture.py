"""memory.png: what was remembered, how sure the tracker was, and that memory stayed flat, over the whole run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidmem.palette import object_colour
from vidmem.saving import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAMPLES = 1000  # as many as a picture can show side by side
KINDS = ("prompt", "long-term", "recent", "pointer", "sample", "resting", "filter")  # rows, from the top
SHADES = {
    **{"prompt": "Oranges", "long-term": "Purples", "recent": "Blues", "pointer": "Greens"},
    **{"sample": "RdPu", "resting": "Greys", "filter": "YlOrBr"},
}
MIB = 1 << 20


@dataclass(frozen=True, eq=False)
class MemorySample:
    """One frame of the history, packed small: thousands are kept.

    `entries` are those of one object, the one the picture shows; each is its kind and the frame it was made of.
    """

    frame: int
    state_bytes: int
    resident_bytes: int  # of the whole process
    kinds: np.ndarray  # (E,) uint8, indices of KINDS
    origins: np.ndarray  # (E,) int64, frames
    object_ids: np.ndarray  # (O,) int32
    scores: np.ndarray  # (O,) float32
    visible: np.ndarray  # (O,) bool

    @classmethod
    def of(
        cls,
        frame: int,
        state_bytes: int,
        resident_bytes: int,
        entries: Sequence[tuple[str, int]] = (),
        objects: Mapping[int, tuple[float, bool]] | None = None,
    ) -> MemorySample:
        """entries: (kind of KINDS, frame it was made of); objects: id -> (score, visible)."""
        objects = objects or {}
        return cls(
            frame,
            state_bytes,
            resident_bytes,
            np.array([KINDS.index(kind) for kind, _ in entries], np.uint8),
            np.array([origin for _, origin in entries], np.int64),
            np.array(list(objects), np.int32),
            np.array([score for score, _ in objects.values()], np.float32),
            np.array([visible for _, visible in objects.values()], bool),
        )


@dataclass(frozen=True, eq=False)
class MemoryHistory:
    """At most 1000 samples, evenly spread over the run: beyond that every second one is forgotten."""

    samples: tuple[MemorySample, ...] = ()
    every: int = 1  # of so many samples offered, one is kept
    offered: int = 0

    @property
    def wants_next(self) -> bool:
        """Whether the next sample will be kept: if not, it need not be taken."""
        return self.offered % self.every == 0

    def add(self, sample: MemorySample | None) -> MemoryHistory:
        """The history after one more frame. None is welcome where `wants_next` is false."""
        if not self.wants_next or sample is None:
            return MemoryHistory(self.samples, self.every, self.offered + 1)
        samples, every = (*self.samples, sample), self.every
        if len(samples) > SAMPLES:
            samples, every = samples[::2], every * 2
        return MemoryHistory(samples, every, self.offered + 1)


def draw_memory(history: MemoryHistory, path: str | Path, title: str = "memory over time") -> None:
    """Draws the history into a PNG: the slots of memory, the scores with lost spans shaded, the bytes.

    Needs nothing of a screen. Raises InputError when the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    by_frame = sorted(history.samples, key=lambda sample: sample.frame)  # a run backwards comes the other way round
    history = replace(history, samples=tuple(by_frame))
    rows = _most_of_each_kind(history)
    figure = Figure(figsize=(12, 5.2 + 0.14 * sum(rows)), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)  # a canvas of its own: pyplot's global state and the user's backend stay untouched
    slots, scores, size = figure.subplots(
        3, 1, sharex=True, gridspec_kw={"height_ratios": [max(0.6, 0.14 * sum(rows)), 1.5, 1.5]}
    )
    frames = np.array([sample.frame for sample in history.samples], float)
    _draw_slots(slots, history, frames, rows)
    _draw_scores(scores, history, frames)
    _draw_bytes(size, history, frames)
    slots.set_title(title, loc="left", fontsize=13, fontweight="bold")
    size.set_xlabel("frame")
    if len(frames):
        size.set_xlim(frames[0] - 0.5, frames[-1] - 0.5 + history.every)
    for axes in (slots, scores, size):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    with replacing(Path(path)) as file:
        figure.savefig(file, format="png")


def _most_of_each_kind(history: MemoryHistory) -> list[int]:
    """How many entries of each kind were ever held at once: the rows each kind needs."""
    most = np.zeros(len(KINDS), int)
    for sample in history.samples:
        most = np.maximum(most, np.bincount(sample.kinds, minlength=len(KINDS))[: len(KINDS)])
    return [int(each) for each in most]


def _draw_slots(axes: Axes, history: MemoryHistory, frames: np.ndarray, rows: list[int]) -> None:
    """A row a slot, lighter the older its entry. Prompts stay in their rows, of other kinds the newest is on top."""
    import matplotlib

    ages = _ages(history, rows)  # (rows, samples), NaN where a slot is empty
    edges = np.append(frames, frames[-1] + history.every) if len(frames) else np.array([0.0, 1.0])
    top, ticks, names = 0, [], []
    for kind, count in zip(KINDS, rows, strict=True):
        if count:
            block = ages[top : top + count]
            # The square root spreads the small ages, among which the recent entries lie.
            depth = 0.9 - 0.65 * np.sqrt(block / max(1.0, np.nanmax(block)))
            colours = matplotlib.colormaps[SHADES[kind]].with_extremes(bad="#f4f4f4")
            axes.pcolormesh(
                edges - 0.5,
                np.arange(top, top + count + 1),
                np.ma.masked_invalid(depth),
                cmap=colours,
                vmin=0,
                vmax=1,
                edgecolors="white" if len(frames) < 150 else "none",
                linewidth=0.4,
            )
            ticks.append(top + count / 2)
            names.append(f"{kind} ({count})")
            top += count
            axes.axhline(top, color="white", linewidth=3)
    for row in range(1, top):
        axes.axhline(row, color="white", linewidth=0.7)
    axes.set_ylim(max(top, 1), 0)
    axes.set_yticks(ticks, names)
    axes.tick_params(axis="y", length=0)
    axes.text(
        1, 1.02, "dark: of this moment   light: old", transform=axes.transAxes, fontsize=8, ha="right", color="#666"
    )


def _ages(history: MemoryHistory, rows: list[int]) -> np.ndarray:
    ages = np.full((sum(rows), len(history.samples)), np.nan)
    starts = np.concatenate([[0], np.cumsum(rows)])
    for column, sample in enumerate(history.samples):
        for kind in range(len(KINDS)):
            origins = np.sort(sample.origins[sample.kinds == kind])[:: 1 if KINDS[kind] == "prompt" else -1]
            ages[starts[kind] : starts[kind] + len(origins), column] = np.abs(sample.frame - origins)
    return ages


def _draw_scores(axes: Axes, history: MemoryHistory, frames: np.ndarray) -> None:
    """A curve an object; where it is out of sight, a strip of its colour at the foot and a pale shade behind."""
    ids = sorted({int(object_id) for sample in history.samples for object_id in sample.object_ids})
    strip = 0.045
    for row, object_id in enumerate(ids):
        score, lost = _follow(history, object_id)
        colour = tuple(0.85 * channel / 255 for channel in object_colour(object_id))
        axes.plot(frames, score, color=colour, linewidth=1.3, label=f"object {object_id}")
        foot = -strip * (row + 1)
        for first, last in _runs(lost):
            start, stop = frames[first] - 0.5, frames[last] - 0.5 + history.every
            axes.axvspan(start, stop, color=colour, alpha=0.10, linewidth=0)
            axes.fill_between([start, stop], foot, foot + strip * 0.8, color=colour, linewidth=0)
    axes.set_ylim(-strip * (len(ids) + 0.6), 1.04)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("score; shaded: lost", fontsize=9)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    if 0 < len(ids) <= 12:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=12, fontsize=8, frameon=False, borderpad=0)


def _follow(history: MemoryHistory, object_id: int) -> tuple[np.ndarray, np.ndarray]:
    """(samples,) the object's scores, NaN where it is not followed, and (samples,) bool where it is lost."""
    score = np.full(len(history.samples), np.nan)
    lost = np.zeros(len(history.samples), bool)
    for column, sample in enumerate(history.samples):
        where = np.flatnonzero(sample.object_ids == object_id)
        if len(where):
            score[column] = sample.scores[where[0]]
            lost[column] = not sample.visible[where[0]]
    return score, lost


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """First and last index of each run of True."""
    steps = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(first), int(behind) - 1) for first, behind in zip(steps[::2], steps[1::2], strict=True)]


def _draw_bytes(axes: Axes, history: MemoryHistory, frames: np.ndarray) -> None:
    """Both curves from zero up, so that flat looks flat and growth looks like growth."""
    state = np.array([sample.state_bytes for sample in history.samples]) / MIB
    resident = np.array([sample.resident_bytes for sample in history.samples]) / MIB
    axes.fill_between(frames, state, color="#c44e52", alpha=0.18, linewidth=0)
    (first,) = axes.plot(frames, state, color="#c44e52", linewidth=1.6, label="memory of the tracker")
    axes.set_ylim(0, 1.6 * max(state.max(initial=0), 1e-3))
    axes.set_ylabel("tracker, MiB", fontsize=9, color="#c44e52")
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    other: Any = axes.twinx()
    (second,) = other.plot(frames, resident, color="#4c5c72", linewidth=1.3, label="whole process")
    other.set_ylim(0, 1.15 * max(resident.max(initial=0), 1e-3))
    other.set_ylabel("process, MiB", fontsize=9, color="#4c5c72")
    other.tick_params(labelsize=8)
    other.spines["top"].set_visible(False)
    if len(state):
        first.set_label(f"memory of the tracker: peak {state.max():.1f} MiB")
        second.set_label(f"whole process: peak {resident.max():.0f} MiB")
    axes.legend(handles=[first, second], loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, fontsize=8, frameon=False)
