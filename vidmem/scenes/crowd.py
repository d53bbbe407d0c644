"""Crowd: two to four objects at once that pass each other; one joins late, one leaves for good."""

from __future__ import annotations

import numpy as np

from vidmem.scenes.scene import Scene, Thing
from vidmem.scenes.setting import body, carried, colours, film, ground, outside, soft, somewhere
from vidmem.scenes.ways import Journey


def crowd(chance: np.random.Generator, frames: int) -> Scene:
    """Object 1 stays, object 2 leaves for good after half of the scene, 3 and 4, where there are any, join late.

    One that joins late counts as an object from the frame on in which it is wholly in sight.
    """
    on = ground(chance)
    count = int(chance.integers(2, 5))
    patterns, things = [on], []
    for object_id in range(1, count + 1):
        size = float(chance.uniform(54, 76))
        patterns.append(colours(chance, patterns))
        since = 0
        if object_id < 3:
            journey = Journey.begin(somewhere(chance, size))
        else:
            enter = int(frames * chance.uniform(0.1, 0.3) * (object_id - 2))
            journey = Journey.begin(outside(chance, size)).rest(enter).to(somewhere(chance, size), 2.5)
            since = journey.now
        ends = int(frames * chance.uniform(0.5, 0.75)) if object_id == 2 else frames
        while journey.now < ends:
            journey = journey.to(somewhere(chance, size), float(chance.uniform(0.9, 1.8))).rest(
                int(chance.integers(20))
            )
        if object_id == 2:
            journey = journey.cut(ends).to(outside(chance, size), 2.5)
        looks, way = body(chance, patterns[-1]), carried(chance, journey.way(frames), size)
        things.append(Thing(looks, way, soft(chance), object_id=object_id, since=since))
    order = chance.permutation(count)
    return film(chance, frames, on, [things[each] for each in order])
