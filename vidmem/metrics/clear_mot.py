"""MOTA and MOTP, the CLEAR measures (Bernardin and Stiefelhagen 2008): misses, false boxes and changes of identity.

Two tools are in use, and differ in which boxes they hold to be found:

- "trackeval": a pair of the frame before is kept where it still overlaps; the others are paired for the most overlap.
- "motmetrics": an object's last pair is kept, however long ago; the others are paired so that most are found.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from vidmem.metrics.assignment import assign
from vidmem.metrics.tracks import Meeting, Meetings

Form = Literal["trackeval", "motmetrics"]
EPSILON = float(np.finfo(np.float64).eps)
NOBODY = -1


def clear_counts(video: Meetings, overlap: float = 0.5, form: Form = "trackeval") -> dict[str, float]:
    """What adds up over videos.

    TP, FN, FP: boxes     IDSW: changes of identity     MT, PT, ML: tracks found for more than 80 %, for some, and for
    less than 20 % of their frames     Frag: times a track is lost and found again     overlap: summed over the found
    """
    objects = len(video.true_frames)
    last, before = np.full(objects, NOBODY), np.full(objects, NOBODY)  # whom each was paired with, ever and just now
    times, stretches = np.zeros(objects), np.zeros(objects)
    found = changes = 0
    summed = 0.0
    for each in video.frames:
        if form == "trackeval" and (len(each.true) == 0 or len(each.answered) == 0):
            continue  # the pairs of the frame before outlive a frame that one side leaves empty
        kept = before if form == "trackeval" else last
        rows, columns = (_trackeval if form == "trackeval" else _motmetrics)(each, kept, overlap)
        objects_found, by = each.true[rows], each.answered[columns]
        changes += int(np.count_nonzero((last[objects_found] != NOBODY) & (last[objects_found] != by)))
        stretches[objects_found[before[objects_found] == NOBODY]] += 1
        last[objects_found] = by
        if form == "motmetrics":
            before[each.true] = NOBODY
        else:
            before[:] = NOBODY
        before[objects_found] = by
        times[objects_found] += 1
        found += len(rows)
        summed += float(each.overlap[rows, columns].sum())
    share = times / np.maximum(1, video.true_frames)
    tracked = int(np.count_nonzero(share > 0.8 if form == "trackeval" else share >= 0.8))
    lost = int(np.count_nonzero(share < 0.2))
    return {
        "TP": found,
        "FN": video.true - found,
        "FP": video.answered - found,
        "IDSW": changes,
        "MT": tracked,
        "PT": objects - tracked - lost,
        "ML": lost,
        "Frag": int(np.maximum(0, stretches - 1).sum()),
        "overlap": summed,
    }


def _trackeval(frame: Meeting, kept: np.ndarray, overlap: float) -> tuple[np.ndarray, np.ndarray]:
    worth = 1000.0 * (kept[frame.true][:, None] == frame.answered[None]) + frame.overlap
    worth[frame.overlap < overlap - EPSILON] = 0
    rows, columns = assign(worth)
    good = worth[rows, columns] > EPSILON
    return rows[good], columns[good]


def _motmetrics(frame: Meeting, kept: np.ndarray, overlap: float) -> tuple[np.ndarray, np.ndarray]:
    free = frame.overlap >= overlap
    rows, columns = [], []
    for row, wanted in enumerate(kept[frame.true]):
        for column in np.flatnonzero(free[row] & (frame.answered == wanted)):
            rows.append(row)
            columns.append(int(column))
            free[row] = False
            free[:, column] = False
    more, others = assign(np.where(free, 1000.0 + frame.overlap, 0.0))
    good = free[more, others]
    return np.array([*rows, *more[good]], np.int64), np.array([*columns, *others[good]], np.int64)


def mota(counts: Iterable[dict[str, float]]) -> dict[str, float]:
    """MOTA 1 - (FN + FP + IDSW) / true boxes, may be below 0; MOTP, the mean overlap of the found; and the counts."""
    rows = list(counts)
    total = {name: sum(row[name] for row in rows) for name in rows[0]}
    true = total["TP"] + total["FN"]
    return {
        "MOTA": (total["TP"] - total["FP"] - total["IDSW"]) / max(1, true),
        "MOTP": total["overlap"] / max(1, total["TP"]),
    } | {name: value for name, value in total.items() if name != "overlap"}
