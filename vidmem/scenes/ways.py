"""How things move: aimlessly about a place, or from stop to stop."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

Place = tuple[float, float]  # x, y in pixels


def wander(chance: np.random.Generator, frames: int, middle: Place, reach: Place, pace: float) -> np.ndarray:
    """(T, 2) a smooth aimless way about `middle`, never beyond `reach` of it, at about `pace` pixels a frame."""
    t = np.arange(frames)
    way = np.empty((frames, 2))
    for axis in range(2):
        shares = chance.dirichlet([4.0, 2.0, 1.0]) * reach[axis]
        speeds = pace / max(reach[axis], 1.0) * chance.uniform(0.7, 1.3, 3) * (1.0, 1.7, 2.9)
        phases = chance.uniform(0, 2 * np.pi, 3)
        waves = shares * np.sin(speeds * t[:, None] + phases)
        way[:, axis] = middle[axis] + waves.sum(1)
    return way


def swing(frames: int, period: float, phase: float = 0.0) -> np.ndarray:
    """(T,) 0..1 and back to 0 in `period` frames, beginning at 0 when phase is 0."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(frames) / period + phase))


@dataclass(frozen=True)
class Journey:
    """A way from stop to stop, eased at each. Two stops at one place are a rest."""

    stops: tuple[tuple[int, float, float], ...]  # frame, x, y; frames never fall

    @classmethod
    def begin(cls, place: Place) -> Journey:
        return cls(((0, *place),))

    @property
    def now(self) -> int:
        """The frame of the last stop."""
        return self.stops[-1][0]

    @property
    def here(self) -> Place:
        """The place of the last stop."""
        return self.stops[-1][1:]

    def to(self, place: Place, pace: float) -> Journey:
        """On to `place`, at `pace` pixels a frame on the average."""
        distance = float(np.hypot(place[0] - self.here[0], place[1] - self.here[1]))
        return self.until(self.now + max(1, round(distance / pace)), place)

    def until(self, frame: int, place: Place) -> Journey:
        """On to `place`, to be there at `frame`."""
        return Journey((*self.stops, (frame, *place)))

    def rest(self, frames: int) -> Journey:
        """Stays where it is."""
        return self.until(self.now + frames, self.here)

    def jump(self, place: Place) -> Journey:
        """Is at `place` in the next frame; for what nobody sees."""
        return self.until(self.now + 1, place)

    def cut(self, frame: int) -> Journey:
        """As it is up to `frame`, where it stops in the middle of its way."""
        if self.now <= frame:
            return self
        kept = tuple(stop for stop in self.stops if stop[0] < frame)
        return Journey(kept).until(frame, tuple(self.way(frame + 1)[frame].tolist()))

    def way(self, frames: int) -> np.ndarray:
        """(T, 2) where it is in each frame; behind the last stop it stays there."""
        out = np.empty((frames, 2))
        out[:] = self.here
        for (first, *start), (last, *stop) in zip(self.stops, self.stops[1:], strict=False):
            if first >= frames:
                break
            share = np.arange(min(last, frames) - first)[:, None] / (last - first)
            eased = share * share * (3 - 2 * share)
            out[first : min(last, frames)] = np.array(start) + eased * (np.array(stop) - np.array(start))
        return out


def nearest(places: Iterable[Place], to: Place) -> Place:
    """Of some places, the one nearest to another."""
    return min(places, key=lambda place: math.dist(place, to))


def furthest(places: Iterable[Place], to: Place) -> Place:
    """Of some places, the one furthest from another."""
    return max(places, key=lambda place: math.dist(place, to))
