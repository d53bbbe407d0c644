"""Drift: an object whose looks, size and pose change slowly under a changing light, and come back to what they were."""

from __future__ import annotations

import numpy as np

from vidmem.scenes.scene import SIZE, Scene, Thing
from vidmem.scenes.setting import body, carried, colours, film, ground, soft
from vidmem.scenes.ways import swing, wander

PERIOD = (240.0, 340.0)  # frames until the looks have come back


def drift(chance: np.random.Generator, frames: int) -> Scene:
    """One object that fades into another pattern and back, between 0.65 and 1.6 of its size, from bright to dim."""
    on = ground(chance)
    size = 74.0 * 1.6 ** np.sin(np.arange(frames) * 2 * np.pi / chance.uniform(*PERIOD))
    way = wander(chance, frames, (SIZE[1] / 2, SIZE[0] / 2), (70.0, 40.0), 0.7)
    patterns = [colours(chance, [on]) for _ in range(2)]
    tint = chance.uniform(-0.12, 0.12, 3)
    dusk = swing(frames, chance.uniform(*PERIOD), 0.1)[:, None]
    target = Thing(
        body(chance, *patterns),
        carried(chance, way, size, turn=float(chance.uniform(-0.012, 0.012))),
        soft(chance),
        mixture=swing(frames, chance.uniform(*PERIOD)),
        object_id=1,
    )
    return film(chance, frames, on, [target], light=1.1 - dusk * (0.55 + tint))
