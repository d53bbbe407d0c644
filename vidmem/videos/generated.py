"""The layout of videos that are drawn on the spot: there is nothing on the disk, and every mask is exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidmem.errors import UsageError
from vidmem.scenes import kinds, make
from vidmem.videos.root import Root
from vidmem.videos.truth import MaskTruth, TrueObject
from vidmem.videos.video import Video

if TYPE_CHECKING:
    from vidmem.frames import Source
    from vidmem.scenes.scene import Scene


@dataclass(frozen=True)
class Generated:
    """Videos KIND-SEED of vidmem.scenes, for example occlusion-2.

    scenes      kinds of scene; all of them when left out
    seeds       how many videos of each kind, numbered from `first_seed` on
    frames      of each video
    """

    root: Root
    scenes: Sequence[str] = ()
    seeds: int = 2
    first_seed: int = 0
    frames: int = 300

    def __post_init__(self) -> None:
        for kind in self.scenes:
            _ = kinds[kind]
        if self.seeds < 1:
            raise UsageError(f"seeds = {self.seeds} asks for no video at all: 1 is the least.")

    def names(self) -> list[str]:
        seeds = range(self.first_seed, self.first_seed + self.seeds)
        return [f"{kind}-{seed}" for kind in self.scenes or kinds for seed in seeds]

    def video(self, name: str) -> Video:
        kind, _, seed = name.rpartition("-")
        drawn = _Drawn(self.root, kind, int(seed), tuple(f"{number:05d}" for number in range(self.frames)))
        truth = MaskTruth(drawn, drawn.objects)
        return Video(name, drawn.annotated, truth, drawn.pictures)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A scene that is made when it is first looked at."""

    root: Root
    kind: str
    seed: int
    annotated: tuple[str, ...]  # every frame

    @cached_property
    def scene(self) -> Scene:
        return make(self.kind, self.seed, len(self.annotated))

    def place(self, name: str) -> Path:
        return Path(f"{self.kind}-{self.seed}", name)

    def objects(self) -> Mapping[int, TrueObject]:
        first = self.scene.first_frames
        return {each: TrueObject(each, self.annotated[first[each]]) for each in sorted(first)}

    def labels(self, name: str) -> np.ndarray | None:
        from vidmem.scenes.drawing import truth

        return truth(self.scene, int(name)).labels.astype(np.int32) if name in self.annotated else None

    def masks(self, name: str) -> Mapping[int, np.ndarray] | None:
        labels = self.labels(name)
        return None if labels is None else {each: labels == each for each in self.scene.first_frames}

    def pictures(self) -> Source:
        from vidmem.frames.arrays import Pictures

        return Pictures(_Pictures(self.scene), f"{self.kind}-{self.seed}")


@dataclass(frozen=True, eq=False)
class _Pictures(Sequence):
    """The frames of a scene, each drawn when it is asked for."""

    scene: Scene

    def __len__(self) -> int:
        return self.scene.frames

    def __getitem__(self, number: Any) -> Any:
        from vidmem.scenes.drawing import draw

        return draw(self.scene, number)
