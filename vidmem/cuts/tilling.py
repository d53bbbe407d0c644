"""SceneTilling offline: which moments of a whole video are cuts, and the segments they leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vidmem.cuts.depth import hill_depths, left_depths, likenesses, whole_depths
from vidmem.errors import InputError, UsageError

DEPTHS = {"hill": hill_depths, "left": left_depths, "whole": whole_depths}
SIDES = {"hill": 1.0, "left": 0.5, "whole": 0.5}  # what a cut is worth under each formula, beside "hill"


@dataclass(frozen=True)
class Cut:
    """The end of a scene."""

    frame: int  # the last of its scene
    depth: float  # how deep the valley is
    likeness: float  # cosine of this frame and the next


@dataclass(frozen=True)
class Tilling:
    """A rule of choice. As it stands: ours, the reference's with a floor, so that a video without cuts has none.

    A moment is a cut where its depth is above mean + alpha std (of n - 1) of all depths, and above the floor.
    """

    depth: Literal["hill", "left", "whole"] = "hill"
    alpha: float = 0.5  # VideoLLaMB, released code
    floor: float = 0.25  # of "hill"; half of it counts for the others. Measured for the colour encoder: docs/bridges.md
    shortest: int = 8  # frames; of two cuts nearer than that the deeper stays
    most: int | None = None  # if more moments pass, so many of the deepest are taken instead
    count: int | None = None  # so many of the deepest, whatever their depth

    def __post_init__(self) -> None:
        if self.depth not in DEPTHS:
            raise UsageError(f"No depth is named {self.depth!r}. Known: {', '.join(DEPTHS)}.")
        if (self.count is not None and self.count < 0) or (self.most is not None and self.most < 1):
            raise UsageError("A rule takes no fewer than 0 cuts by count, and 1 or more at most.")
        if self.shortest < 1 or not np.isfinite([self.alpha, self.floor]).all():
            raise UsageError("The shortest scene is 1 frame or more; alpha and floor are finite numbers.")

    def cuts(self, likeness: np.ndarray) -> list[Cut]:
        """The inner cuts of a video, from its (T - 1,) likenesses, in order of time. None for one or two frames."""
        likeness = np.asarray(likeness, float)
        if likeness.ndim != 1 or not np.isfinite(likeness).all():
            raise InputError(f"Likenesses are (T - 1,) finite numbers, not {likeness.shape}.")
        depth = DEPTHS[self.depth](likeness)
        return [Cut(int(i), float(depth[i]), float(likeness[i])) for i in self._chosen(depth)]

    def _chosen(self, depth: np.ndarray) -> list[int]:
        if self.count is not None:
            return sorted(_deepest(depth, self.count))
        if len(depth) < 2:
            return []  # one difference has no spread to be judged by
        passed = np.flatnonzero(depth > self.threshold(depth))
        chosen = _deepest(depth, self.most) if self.most is not None and len(passed) > self.most else passed
        return self._apart([int(i) for i in chosen], depth)

    def threshold(self, depth: np.ndarray) -> float:
        """What a depth must be above."""
        return max(self.floor * SIDES[self.depth], float(depth.mean() + self.alpha * depth.std(ddof=1)))

    def _apart(self, chosen: list[int], depth: np.ndarray) -> list[int]:
        kept: list[int] = []
        for i in sorted(chosen, key=lambda i: (-depth[i], i)):
            if all(abs(i - other) >= self.shortest for other in kept):
                kept.append(i)
        return sorted(kept)


REFERENCE = Tilling(floor=-np.finfo(float).max, shortest=1, most=15)  # the released code
PAPER = Tilling("whole", floor=-np.finfo(float).max, shortest=1)  # the project page
RULES = {"vidmem": Tilling(), "reference": REFERENCE, "paper": PAPER}


def _deepest(depth: np.ndarray, count: int) -> list[int]:
    """The places of the so many greatest; of equals the earlier."""
    return [int(i) for i in np.argsort(-depth, kind="stable")[:count]]


def segments(cuts: list[int], frames: int) -> list[tuple[int, int]]:
    """(first, last) frame of each segment, both inclusive. The end of the video always ends the last one."""
    if frames < 1 or any(b >= a for b, a in zip([-1, *cuts], [*cuts, frames], strict=True)):
        raise InputError(f"Cuts {cuts} do not rise within the 0..{frames - 1} of a video of {frames} frames.")
    ends = [*cuts, frames - 1] if not cuts or cuts[-1] != frames - 1 else cuts
    return list(zip([0, *(end + 1 for end in ends[:-1])], ends, strict=True))


def tile(features: np.ndarray, rule: Tilling = Tilling()) -> list[tuple[int, int]]:
    """(first, last) of each segment of a video, from the vectors (T, C) of its frames."""
    return segments([cut.frame for cut in rule.cuts(likenesses(features))], len(features))
