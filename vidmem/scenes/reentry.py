"""Re-entry: an object that leaves the frame, stays away for long, and comes back somewhere else."""

from __future__ import annotations

import numpy as np

from vidmem.scenes.scene import Scene, Thing
from vidmem.scenes.setting import body, carried, colours, film, ground, outside, somewhere, soft
from vidmem.scenes.ways import Journey

AWAY = (20, 200)  # how long it stays out of the frame, in frames


def reentry(chance: np.random.Generator, frames: int) -> Scene:
    """One object that goes out by one edge and comes in by any; an absence takes up to half of the scene."""
    on = ground(chance)
    size = float(chance.uniform(64, 82))
    longest = min(AWAY[1], frames // 2)
    journey = Journey.begin(somewhere(chance, size))
    while journey.now < frames:
        journey = journey.to(somewhere(chance, size), 1.2).rest(int(chance.integers(5, 15)))
        journey = journey.to(outside(chance, size), float(chance.uniform(1.8, 2.8)))
        away = int(np.exp(chance.uniform(np.log(AWAY[0]), np.log(longest + 1))))
        journey = journey.rest(away - 1).jump(outside(chance, size))
        journey = journey.to(somewhere(chance, size), float(chance.uniform(1.8, 2.8)))
    pattern = colours(chance, [on])
    target = Thing(body(chance, pattern), carried(chance, journey.way(frames), size), soft(chance), object_id=1)
    return film(chance, frames, on, [target])
