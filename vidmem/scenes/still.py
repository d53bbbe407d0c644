"""The control: one object that moves about a little in full sight, and nothing else happens."""

from __future__ import annotations

import numpy as np

from vidmem.scenes.scene import SIZE, Scene, Thing
from vidmem.scenes.setting import body, carried, colours, film, ground, soft
from vidmem.scenes.ways import wander


def still(chance: np.random.Generator, frames: int) -> Scene:
    """One object of a quarter of the picture's width about the middle, never hidden, never out of the frame."""
    on = ground(chance)
    size = float(chance.uniform(80, 105))
    way = wander(chance, frames, (SIZE[1] / 2, SIZE[0] / 2), (75.0, 35.0), 0.8)
    target = Thing(body(chance, colours(chance, [on])), carried(chance, way, size), soft(chance), object_id=1)
    return film(chance, frames, on, [target])
