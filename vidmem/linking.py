"""Linking: which detections of one frame are the same objects as those of frames before.

Each object is a box that goes on as it went; detections take objects by overlap, the surest pair of all first, those of
its class before others. In two rounds, as ByteTrack (Zhang et al., ECCV 2022, section 3): sure detections first, then
unsure ones for objects that are left over. Only a sure detection begins an object. Ids are never used again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vidmem.errors import UsageError
from vidmem.found import Found
from vidmem.metrics.detections import overlaps

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Linked:
    """One object that is followed."""

    id: int
    box: Box  # at `frame`, x0 y0 x1 y1
    pace: Box  # pixels a frame, of each edge
    frame: int
    votes: tuple[tuple[int, float], ...]  # class -> the sum of its scores


@dataclass(frozen=True)
class Links:
    """All objects of a stream that may come back. A value."""

    objects: tuple[Linked, ...] = ()
    next_id: int = 1


@dataclass(frozen=True)
class Linker:
    begins: float = 0.5  # the score that begins an object
    goes_on: float = 0.1  # the score that keeps one going (ByteTrack: low detections)
    overlap: float = 0.3  # IoU with where it is expected
    patience: int = 30  # frames it may be out of sight (ByteTrack)
    steady: float = 0.5  # the share of a new pace in the pace of an object
    vote: bool = True  # a detection is told as the class its object was told most surely
    size: int = 500  # objects remembered at most: a stream has no end

    def __post_init__(self) -> None:
        if not 0 <= self.goes_on <= self.begins <= 1 or not 0 < self.overlap <= 1 or self.patience < 1:
            raise UsageError(f"Links need 0 <= goes_on <= begins <= 1, 0 < overlap <= 1, patience >= 1; got {self}.")

    def step(self, links: Links, found: Found) -> tuple[Links, Found]:
        """The detections of a frame that belong to objects, with their ids, and the objects behind it."""
        found = found.above(self.goes_on)
        alive = [each for each in links.objects if found.frame - each.frame <= self.patience]
        taken = self._match(alive, found)
        ids = np.zeros(len(found), np.int64)
        labels = np.array(found.labels)
        after = {each.id: each for each in alive}
        next_id = links.next_id
        for row in range(len(found)):
            before = taken.get(row)
            if before is None:
                if found.scores[row] < self.begins:
                    continue
                before = Linked(next_id, _box(found.boxes[row]), (0.0, 0.0, 0.0, 0.0), found.frame, ())
                next_id += 1
            linked = self._seen(before, found, row)
            after[linked.id] = linked
            ids[row] = linked.id
            if self.vote:
                labels[row] = max(linked.votes, key=lambda each: each[1])[0]
        objects = sorted(after.values(), key=lambda each: each.frame)[-self.size :]
        told = replace(found, ids=ids, labels=labels)
        return Links(tuple(sorted(objects, key=lambda each: each.id)), next_id), told.kept(ids > 0)

    def _match(self, alive: list[Linked], found: Found) -> dict[int, Linked]:
        """Row of a detection -> the object it is."""
        taken: dict[int, Linked] = {}
        if not alive or not len(found):
            return taken
        expected = np.stack([np.array(o.box) + np.array(o.pace) * (found.frame - o.frame) for o in alive])
        shared = overlaps(found.boxes, expected)
        same = np.array([[dict(each.votes).get(int(label), 0.0) > 0 for each in alive] for label in found.labels])
        worth = np.where(shared >= self.overlap, shared + same, 0.0)
        is_sure = found.scores >= self.begins
        for rows in (is_sure, ~is_sure):
            free = np.where(rows[:, None], worth, 0.0)
            free[list(taken)] = 0
            while free.max(initial=0) > 0:
                row, column = np.unravel_index(int(free.argmax()), free.shape)
                taken[int(row)] = alive[int(column)]
                free[row] = 0
                free[:, column] = worth[:, column] = 0
        return taken

    def _seen(self, before: Linked, found: Found, row: int) -> Linked:
        gap = max(1, found.frame - before.frame)
        pace = (found.boxes[row] - before.box) / gap
        votes = dict(before.votes)
        label = int(found.labels[row])
        votes[label] = votes.get(label, 0.0) + float(found.scores[row])
        mixed = _box(np.array(before.pace) + self.steady * (pace - before.pace)) if before.votes else before.pace
        return Linked(before.id, _box(found.boxes[row]), mixed, found.frame, tuple(votes.items()))


def _box(edges: np.ndarray) -> Box:
    x0, y0, x1, y1 = (float(each) for each in edges)
    return x0, y0, x1, y1
