"""Crowd: two to four objects at once that pass each other; some join late, one leaves for good."""

from __future__ import annotations

import numpy as np

from vidmem.scenes.scene import Scene, Thing
from vidmem.scenes.setting import body, carried, colours, film, ground, outside, soft, somewhere
from vidmem.scenes.ways import Journey, furthest

JOINS = (0.12, 0.35)  # when object 3 joins, as a share of the scene; object 4 takes twice as long
LEAVES = (0.5, 0.7)  # when object 2 sets out to leave
ENTRY = 50  # how long it takes to come in, in frames


def crowd(chance: np.random.Generator, frames: int) -> Scene:
    """Object 1 stays, object 2 leaves for good after half of the scene, object 3 and perhaps a fourth join late.

    What joins late counts as an object from the frame on in which it is wholly in sight.
    """
    on = ground(chance)
    patterns = [on]
    things: list[Thing] = []
    first = somewhere(chance, 70)
    for object_id in range(1, int(chance.integers(4, 6))):
        size = float(chance.uniform(54, 76))
        since = 0
        if object_id == 1:
            journey = Journey.begin(first)
        elif object_id == 2:
            journey = Journey.begin(furthest([somewhere(chance, size) for _ in range(6)], first))
        else:
            since = int(frames * chance.uniform(*JOINS) * (object_id - 2))
            waiting = Journey.begin(outside(chance, size)).rest(max(1, since - ENTRY))
            journey = waiting.until(since, somewhere(chance, size))
        ends = int(frames * chance.uniform(*LEAVES)) if object_id == 2 else frames
        while journey.now < ends:
            pace = float(chance.uniform(0.9, 1.8))
            journey = journey.to(somewhere(chance, size), pace).rest(int(chance.integers(1, 20)))
        if object_id == 2:
            journey = journey.cut(ends).to(outside(chance, size), 2.5)
        patterns.append(colours(chance, patterns))
        looks, way = body(chance, patterns[-1]), carried(chance, journey.way(frames), size)
        things.append(Thing(looks, way, soft(chance), object_id=object_id, since=since))
    early = [things[each] for each in chance.permutation(2)]
    return film(chance, frames, on, [*early, *things[2:]])  # late ones in front, so that they begin in full sight
