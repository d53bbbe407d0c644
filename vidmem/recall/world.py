"""The world of the recall task: scenes of 32 x 32 pixels, in a few of which one coloured object stands in one corner.

A scene is a soft grey-brown ground with grey shapes on it. An object is the only thing in full colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

COLOURS = {"red": (225, 40, 40), "green": (40, 185, 60), "blue": (50, 80, 230), "yellow": (235, 215, 50)}
SHAPES = ("disc", "square")
OBJECTS = tuple(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES)
PLACES = ("upper left", "upper right", "lower left", "lower right")
ORDER = ("first", "second", "third")
FACTS = len(ORDER)  # objects in a film
SIDE = 32  # pixels
LOOKS = 2  # frames of a scene that are looked at
NOBODY = -1


@dataclass(frozen=True)
class Fact:
    """One thing that happened: which object, where, when."""

    thing: int  # index of OBJECTS
    place: int  # index of PLACES
    scene: int  # number of the scene


def plot(chance: np.random.Generator, scenes: int) -> tuple[Fact, ...]:
    """Three facts, of three objects in three places and three scenes, in order of time. Never in the last scene.

    Raises ValueError for a film with fewer than four scenes.
    """
    if scenes <= FACTS:
        raise ValueError(f"A film of the recall task has {FACTS + 1} scenes or more, not {scenes}.")
    when = np.sort(chance.choice(scenes - 1, FACTS, replace=False))
    things = chance.choice(len(OBJECTS), FACTS, replace=False)
    places = chance.choice(len(PLACES), FACTS, replace=False)
    return tuple(Fact(int(t), int(p), int(s)) for t, p, s in zip(things, places, when, strict=True))


def draw_scene(
    chance: np.random.Generator, thing: int = NOBODY, place: int = NOBODY, frames: int = LOOKS, scale: int = 1
) -> np.ndarray:
    """(frames, 32 scale, 32 scale, 3) uint8: one scene, with an object in it or none. Things drift a little."""
    side = SIDE * scale
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / scale
    ground = _ground(chance, x, y)
    greys = [
        (chance.uniform(3, 29, 2), chance.uniform(2, 5), chance.integers(2), chance.uniform(40, 215)) for _ in "12"
    ]
    centre = chance.uniform(6, 10, 2) + 16 * np.array([place % 2, place // 2]) if thing != NOBODY else None
    radius, tint = chance.uniform(3.2, 5.0), chance.uniform(0.8, 1.1)
    drift = chance.uniform(-0.5, 0.5, 2)
    out = np.empty((frames, side, side, 3), np.uint8)
    for index in range(frames):
        picture = ground.copy()
        for middle, size, shape, shade in greys:
            picture[_inside(x, y, middle + index * drift, size, int(shape))] = shade
        if centre is not None:
            inside = _inside(x, y, centre + index * drift / frames, radius, thing % len(SHAPES))
            picture[inside] = np.array(list(COLOURS.values())[thing // len(SHAPES)]) * tint
        picture += chance.normal(0, 4, picture.shape)
        out[index] = picture.clip(0, 255)
    return out


def _ground(chance: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(H, W, 3) a soft slope between two dull colours."""
    first, second = chance.uniform(30, 210, (2, 1)) + chance.uniform(-18, 18, (2, 3))
    angle, bend = chance.uniform(0, 2 * np.pi), chance.uniform(-1, 1)
    along = (np.cos(angle) * (x - 16) + np.sin(angle) * (y - 16)) / 22
    share = np.clip(0.5 + 0.5 * along + bend * 0.4 * np.sin(3 * along), 0, 1)[..., None]
    return (first + share * (second - first)).astype(np.float32)


def _inside(x: np.ndarray, y: np.ndarray, centre: np.ndarray, radius: float, shape: int) -> np.ndarray:
    """(H, W) bool: a disc (0) or a square (1) of about the same area."""
    dx, dy = np.abs(x - centre[0]), np.abs(y - centre[1])
    return np.hypot(dx, dy) < radius if shape == 0 else np.maximum(dx, dy) < radius * 0.89
