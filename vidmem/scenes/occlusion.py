"""Occlusion: an object that goes behind a board, partly and wholly, for short and for long, and comes out on any side."""

from __future__ import annotations

import numpy as np

from vidmem.scenes.scene import SIZE, Scene, Thing
from vidmem.scenes.setting import board, body, carried, colours, film, ground, outside, soft, standing
from vidmem.scenes.ways import Journey

HIDDEN = (30, 91)  # how long it stays behind the board when it stays, in frames
ORDERS = ("hide peep cross", "hide cross peep", "peep hide cross", "cross hide peep")  # a long one is soon to come


def occlusion(chance: np.random.Generator, frames: int) -> Scene:
    """One object and a board it now and then peeps out from, crosses behind or hides behind; also, someone passes by."""
    on = ground(chance)
    size = float(chance.uniform(54, 66))
    width, height = size * float(chance.uniform(1.45, 1.6)), float(chance.uniform(190, 330))
    middle = SIZE[1] * float(chance.uniform(0.46, 0.54)), SIZE[0] * 0.5
    patterns = [on]
    for _ in range(3):
        patterns.append(colours(chance, patterns))
    side = int(chance.choice([-1, 1]))

    def open_to(side: int) -> tuple[float, float]:
        """A place in the open on one side of the board."""
        edge, rim = middle[0] + side * (width / 2 + 0.6 * size), SIZE[1] / 2 + side * (SIZE[1] / 2 - 0.6 * size)
        return float(edge + chance.uniform(0.3, 1) * (rim - edge)), level()

    def level() -> float:
        slack = min(height, SIZE[0]) / 2 - 0.75 * size
        return middle[1] + float(chance.uniform(-slack, slack))

    journey = Journey.begin(open_to(side))
    events = iter(())
    while journey.now < frames:
        journey = journey.to(open_to(side), 1.0).rest(int(chance.integers(8, 20)))
        event = next(events, None)
        if event is None:
            events = iter(str(chance.choice(ORDERS)).split())
            event = next(events)
        pace = float(chance.uniform(1.6, 2.6))
        if event == "peep":
            journey = journey.to((middle[0] + side * width / 2, journey.here[1]), pace).rest(
                int(chance.integers(15, 40))
            )
        elif event == "hide":
            journey = journey.to((middle[0], level()), pace).rest(int(chance.integers(*HIDDEN)))
            side *= int(chance.choice([-1, 1]))
        else:
            side *= -1
        journey = journey.to(open_to(side), pace)
    target = Thing(body(chance, patterns[1]), carried(chance, journey.way(frames), size), soft(chance), object_id=1)
    hide = Thing(board(patterns[2]), standing(frames, middle, width, height))
    return film(chance, frames, on, [target, hide, _passer(chance, frames, patterns[3])])


def _passer(chance: np.random.Generator, frames: int, pattern) -> Thing:
    """Something that comes in at the left, leaves at the right and comes again from the left after a while."""
    size = float(chance.uniform(45, 65))
    journey = Journey.begin(outside(chance, size, "left"))
    while journey.now < frames:
        journey = journey.rest(int(chance.integers(40, 140))).to(outside(chance, size, "right"), 3.0)
        journey = journey.jump(outside(chance, size, "left"))
    return Thing(body(chance, pattern), carried(chance, journey.way(frames), size), soft(chance))
