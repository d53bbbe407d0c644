"""Films of the recall task as a source of frames: `recall:16` has sixteen scenes, `recall:16:7` the same by seed 7."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from vidmem.errors import UsageError
from vidmem.frames import Source, watch
from vidmem.recall.world import FACTS, NOBODY, SIDE, Fact, draw_scene, plot
from vidmem.values import Frame

RATE = 12.0
FRAMES = 16  # of a scene
SCALE = 4  # 128 pixels a side


class RecallFilm:
    """Every frame is a function of its number, so a film of any length costs nothing to keep.

    Raises UsageError for fewer scenes than a plot needs.
    """

    seekable, skipped, rate = True, 0, RATE
    size = (SIDE * SCALE, SIDE * SCALE)

    def __init__(self, scenes: int, seed: int = 0):
        if scenes <= FACTS:
            raise UsageError(f"A film of the recall task has {FACTS + 1} scenes or more: recall:{scenes} is too short.")
        self.scenes, self.seed = scenes, seed
        self.facts: tuple[Fact, ...] = plot(np.random.default_rng((seed, scenes)), scenes)
        self.promised: int | None = scenes * FRAMES
        self.name = f"recall:{scenes}:{seed}"
        self._drawn: tuple[int, np.ndarray] | None = None

    @classmethod
    def named(cls, name: str) -> RecallFilm:
        """recall:SCENES or recall:SCENES:SEED. Raises UsageError for other words."""
        parts = name.split(":")[1:]
        if len(parts) not in (1, 2) or not all(part.isdecimal() for part in parts):
            raise UsageError(f"{name} is not of the form recall:SCENES or recall:SCENES:SEED, for example recall:16.")
        return cls(*(int(part) for part in parts))

    def __iter__(self) -> Iterator[Frame]:
        return self.between()

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        last = self.scenes * FRAMES
        for index in range(start, (last if step > 0 else -1) if stop is None else min(stop, last), step):
            scene, number = divmod(index, FRAMES)
            if self._drawn is None or self._drawn[0] != scene:
                self._drawn = scene, self._scene(scene)
            picture = torch.from_numpy(self._drawn[1][number]).permute(2, 0, 1).contiguous()
            yield Frame(index, picture, index / RATE)

    def _scene(self, scene: int) -> np.ndarray:
        fact = next((each for each in self.facts if each.scene == scene), Fact(NOBODY, NOBODY, scene))
        chance = np.random.default_rng((self.seed, self.scenes, scene))
        return draw_scene(chance, fact.thing, fact.place, FRAMES, SCALE)

    def close(self) -> None:
        pass


def open_source(source: str, reader: str, on_damage: str, every: int = 1) -> Source:
    """A drawn film, or whatever `watch` can open."""
    if source.startswith("recall:"):
        return watch(RecallFilm.named(source), every=every)
    return watch(source, reader=reader, on_damage="skip" if on_damage == "skip" else "stop", every=every)
