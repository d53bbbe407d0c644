"""Occlusion: an object that goes behind a board, partly and wholly, for short and for long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from vidmem.scenes.scene import SIZE, Scene, Thing
from vidmem.scenes.setting import board, body, carried, colours, film, ground, outside, soft, standing
from vidmem.scenes.ways import Journey, Place

PEEP = (15, 40)  # how long it stays when half of it shows, in frames
HIDE = (30, 90)  # how long it stays when nothing of it shows
ORDERS = ("hide peep cross", "hide cross peep", "cross hide peep")  # a long one is soon to come


def occlusion(chance: np.random.Generator, frames: int) -> Scene:
    """One object and a board: it peeps out, crosses behind it, or hides there. Someone else passes before both."""
    on = ground(chance)
    patterns = [on]
    for _ in range(3):
        patterns.append(colours(chance, patterns))
    size = float(chance.uniform(54, 66))
    screen = _Board(
        x=SIZE[1] * float(chance.uniform(0.46, 0.54)),
        width=size * float(chance.uniform(1.45, 1.6)),
        height=float(chance.uniform(190, 330)),
        size=size,
    )
    way = carried(chance, _journey(chance, frames, screen), size)
    target = Thing(body(chance, patterns[1]), way, soft(chance), object_id=1)
    hiding = Thing(board(patterns[2]), standing(frames, (screen.x, SIZE[0] / 2), screen.width, screen.height))
    return film(chance, frames, on, [target, hiding, _passer(chance, frames, patterns[3])])


@dataclass(frozen=True)
class _Board:
    """What the object hides behind; it stands half way up the picture. In pixels."""

    x: float  # of its middle
    width: float
    height: float
    size: float  # of the object

    def beside(self, chance: np.random.Generator, side: int) -> Place:
        """A place where the object is in full sight, left (-1) or right (1) of the board."""
        edge = self.x + side * (self.width / 2 + 0.6 * self.size)
        rim = SIZE[1] / 2 + side * (SIZE[1] / 2 - 0.6 * self.size)
        return float(edge + chance.uniform(0.3, 1) * (rim - edge)), self.level(chance)

    def level(self, chance: np.random.Generator) -> float:
        """A height at which the board hides all of the object."""
        slack = min(self.height, SIZE[0]) / 2 - 0.75 * self.size
        return SIZE[0] / 2 + float(chance.uniform(-slack, slack))


def _journey(chance: np.random.Generator, frames: int, screen: _Board) -> np.ndarray:
    """(T, 2) from the open to the board and back, again and again."""
    side = int(chance.choice([-1, 1]))
    journey = Journey.begin(screen.beside(chance, side))
    events = _events(chance)
    longest = max(HIDE[0], min(HIDE[1], frames // 5))
    while journey.now < frames:
        journey = journey.rest(int(chance.integers(8, 20)))
        pace = float(chance.uniform(2.2, 3.2))
        match next(events):
            case "peep":
                edge = (screen.x + side * screen.width / 2, journey.here[1])
                journey = journey.to(edge, pace).rest(int(chance.integers(*PEEP)))
            case "hide":
                journey = journey.to((screen.x, screen.level(chance)), pace)
                journey = journey.rest(int(chance.integers(HIDE[0], longest + 1)))
                side *= int(chance.choice([-1, 1]))
            case _:
                side *= -1
        journey = journey.to(screen.beside(chance, side), pace).to(screen.beside(chance, side), 2.0)
    return journey.way(frames)


def _events(chance: np.random.Generator) -> Iterator[str]:
    while True:
        yield from str(chance.choice(ORDERS)).split()


def _passer(chance: np.random.Generator, frames: int, pattern: Tensor) -> Thing:
    """Something that comes in at the left, leaves at the right and comes again from the left after a while."""
    size = float(chance.uniform(45, 65))
    journey = Journey.begin(outside(chance, size, "left"))
    while journey.now < frames:
        journey = journey.rest(int(chance.integers(40, 140))).to(outside(chance, size, "right"), 3.0)
        journey = journey.jump(outside(chance, size, "left"))
    return Thing(body(chance, pattern), carried(chance, journey.way(frames), size), soft(chance))
