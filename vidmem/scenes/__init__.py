"""Scenes: long drawn videos whose every mask is known, each kind made to put one weakness of a memory to the test.

A scene is a function of (kind, seed, frames); any frame of it is drawn by itself, in any order:

    scene = make("occlusion", seed=0, frames=400)
    picture, labels = draw(scene, 250), truth(scene, 250).labels        # both from vidmem.scenes.drawing

To add a kind: write vidmem/scenes/NAME.py and its line in the table; tests/test_scenes.py tries it at once. What all
kinds share is in scene.py (the values), setting.py (grounds, cameras, things) and ways.py (how things move).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidmem.catalog import Catalog
from vidmem.errors import UsageError

if TYPE_CHECKING:
    from vidmem.scenes.scene import Scene

kinds: Catalog[Scene] = Catalog(
    "kind of scene",
    "vidmem.scenes",
    {
        "still": "vidmem.scenes.still:still",  # the control: nothing happens
        "occlusion": "vidmem.scenes.occlusion:occlusion",  # behind things, partly and wholly, for short and for long
        "reentry": "vidmem.scenes.reentry:reentry",  # out of the frame, and back elsewhere
        "distractor": "vidmem.scenes.distractor:distractor",  # look-alikes that cross its way and stay
        "drift": "vidmem.scenes.drift:drift",  # looks, size and light change slowly, and come back
        "crowd": "vidmem.scenes.crowd:crowd",  # several objects, some of which join late or leave for good
    },
)

LEAST = 60  # frames a scene needs to get anywhere


def make(kind: str, seed: int, frames: int) -> Scene:
    """The scene number `seed` of a kind. Raises UnknownName for a kind that is not there, UsageError for few frames."""
    import numpy as np

    if frames < LEAST:
        raise UsageError(f"A scene of {frames} frames is too short for anything to happen: ask for {LEAST} or more.")
    return kinds[kind](np.random.default_rng([seed, *kind.encode()]), frames)
