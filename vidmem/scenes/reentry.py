"""Re-entry: an object that leaves the frame, stays away for long, and comes back somewhere else."""

from __future__ import annotations

import numpy as np

from vidmem.scenes.scene import Scene, Thing
from vidmem.scenes.setting import body, carried, colours, film, ground, outside, soft, somewhere
from vidmem.scenes.ways import Journey, nearest

INSIDE = (25, 60)  # how long it moves about in the frame, in frames
AWAY = (20, 200)  # how long it stays out of the frame, in frames


def reentry(chance: np.random.Generator, frames: int) -> Scene:
    """One object that goes out by one edge and comes in by any; an absence takes up to a third of the scene."""
    on = ground(chance)
    size = float(chance.uniform(64, 82))
    longest = min(AWAY[1], frames // 3)
    journey = Journey.begin(somewhere(chance, size))
    while journey.now < frames:
        journey = journey.to(somewhere(chance, size), 1.2).cut(journey.now + int(chance.integers(*INSIDE)))
        doors = [outside(chance, size) for _ in range(3)]
        journey = journey.to(nearest(doors, journey.here), float(chance.uniform(2.4, 3.4)))
        away = int(np.exp(chance.uniform(np.log(AWAY[0]), np.log(longest + 1))))
        journey = journey.rest(away - 1).jump(outside(chance, size))
        journey = journey.to(somewhere(chance, size), float(chance.uniform(2.4, 3.4)))
    pattern = colours(chance, [on])
    target = Thing(body(chance, pattern), carried(chance, journey.way(frames), size), soft(chance), object_id=1)
    return film(chance, frames, on, [target])
