"""What was answered so far, as a value: where on the shelf each mask lies, and how sure the tracker was of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

UNKNOWN, VISIBLE, LOST = 0, 1, 2

Row = Any  # one element of a (frames,) array of ROW

ROW = np.dtype(
    [
        ("offset", "u8"),  # of the mask on the shelf
        ("length", "u4"),
        ("exclusive", "u4"),  # length of the pixels the object alone keeps, which follow the mask; 0 when equal to it
        ("score", "f4"),
        ("pred_iou", "f4"),
        ("logit", "f4"),
        ("state", "u1"),
    ]
)


@dataclass(frozen=True, eq=False)
class Results:
    """object id -> (frames,) rows of ROW. Arrays in here are never changed, so an old value stays true."""

    rows: Mapping[int, np.ndarray] = field(default_factory=dict)

    def at(self, frame: int) -> dict[int, Row]:
        """object id -> its row in a frame, for those that were answered there."""
        found = {i: rows[frame] for i, rows in self.rows.items() if frame < len(rows)}
        return {object_id: row for object_id, row in found.items() if row["state"] != UNKNOWN}

    def has(self, frame: int, object_id: int) -> bool:
        rows = self.rows.get(object_id)
        return rows is not None and frame < len(rows) and rows[frame]["state"] != UNKNOWN

    def with_rows(self, fresh: Mapping[int, Mapping[int, Row]]) -> Results:
        """With more answers: object id -> frame -> row."""
        rows = dict(self.rows)
        for object_id, new in fresh.items():
            if new:
                rows[object_id] = _grown(rows.get(object_id), max(new) + 1)
                frames = np.fromiter(new, np.int64, len(new))
                rows[object_id][frames] = np.array(list(new.values()), ROW)
        return replace(self, rows=rows)

    def without(self, object_id: int) -> Results:
        return replace(self, rows={each: rows for each, rows in self.rows.items() if each != object_id})

    def without_answer(self, frame: int, object_id: int) -> Results:
        """Without the answer for one object in one frame."""
        if not self.has(frame, object_id):
            return self
        changed = self.rows[object_id].copy()
        changed[frame] = np.zeros((), ROW)
        return replace(self, rows={**self.rows, object_id: changed})

    def frames(self) -> Iterator[int]:
        """Every frame with an answer, in order."""
        longest = max((len(rows) for rows in self.rows.values()), default=0)
        answered = np.zeros(longest, bool)
        for rows in self.rows.values():
            answered[: len(rows)] |= rows["state"] != UNKNOWN
        yield from np.flatnonzero(answered).tolist()

    def first_gap(self, start: int, end: int) -> int | None:
        """The first frame of range(start, end) in which some object begun by then has no answer."""
        gaps = [self._first_gap(rows, start, end) for rows in self.rows.values()]
        return min((each for each in gaps if each is not None), default=None)

    @staticmethod
    def _first_gap(rows: np.ndarray, start: int, end: int) -> int | None:
        known = np.flatnonzero(rows["state"] != UNKNOWN)
        if not len(known):
            return None
        start = max(start, int(known[0]))
        missing = np.flatnonzero(rows["state"][start:end] == UNKNOWN)
        if len(missing):
            return start + int(missing[0])
        return max(start, len(rows)) if max(start, len(rows)) < end else None

    @property
    def nbytes(self) -> int:
        return sum(rows.nbytes for rows in self.rows.values())


def runs(states: np.ndarray) -> list[tuple[int, int, int]]:
    """(first, last, state) of each unbroken stretch of an answered (frames,) array of states."""
    if not len(states):
        return []
    edges = np.flatnonzero(np.diff(states)) + 1
    starts, stops = np.concatenate([[0], edges]), np.concatenate([edges, [len(states)]])
    spans = zip(starts.tolist(), stops.tolist(), strict=True)
    return [(a, b - 1, int(states[a])) for a, b in spans if states[a] != UNKNOWN]


def _grown(rows: np.ndarray | None, length: int) -> np.ndarray:
    """A copy that reaches as far as `length`."""
    old = np.zeros(0, ROW) if rows is None else rows
    out = np.zeros(max(length, len(old)), ROW)
    out[: len(old)] = old
    return out
