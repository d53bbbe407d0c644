"""Distractor: look-alikes that stay in sight all the time, and now and then cross the way of the object."""

from __future__ import annotations

import numpy as np
import torch

from vidmem.scenes.scene import SIZE, Scene, Thing
from vidmem.scenes.setting import body, carried, colours, film, ground, soft, somewhere
from vidmem.scenes.ways import Journey, furthest, wander

STRANGE = (0.15, 0.4)  # how much of another pattern shines through that of a look-alike
EVERY = (90, 160)  # frames between two meetings with one look-alike


def distractor(chance: np.random.Generator, frames: int) -> Scene:
    """One object and one to three of nearly its colours in another outline, some before it and some behind."""
    on = ground(chance)
    size = float(chance.uniform(54, 68))
    pattern = colours(chance, [on])
    way = wander(chance, frames, (SIZE[1] / 2, SIZE[0] / 2), (80.0, 45.0), 0.9)
    things = [Thing(body(chance, pattern), carried(chance, way, size), soft(chance), object_id=1)]
    for number in range(int(chance.integers(1, 4))):
        alike = carried(chance, _meeting(chance, way, size, 30 + 45 * number), size * float(chance.uniform(0.85, 1.15)))
        strange = torch.lerp(pattern, colours(chance, [on, pattern]), float(chance.uniform(*STRANGE)))
        thing = Thing(body(chance, strange), alike, soft(chance))
        things.insert(0 if chance.random() < 0.5 else len(things), thing)
    return film(chance, frames, on, things)


def _meeting(chance: np.random.Generator, way: np.ndarray, size: float, first: int) -> np.ndarray:
    """(T, 2) of a look-alike that keeps away from a way (T, 2), and now and then passes straight over it."""
    frames = len(way)

    def retreat(frame: int) -> tuple[float, float]:
        return furthest([somewhere(chance, size) for _ in range(6)], tuple(way[min(frame, frames - 1)]))

    journey = Journey.begin(retreat(0))
    meet = first + int(chance.integers(30))
    while meet < frames:
        journey = journey.until(max(journey.now, meet - 35), journey.here).until(meet, tuple(way[meet]))
        journey = journey.until(meet + 35, retreat(meet + 35))
        meet = journey.now + int(chance.integers(*EVERY)) - 35
    return journey.way(frames)
