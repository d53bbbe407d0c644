"""SceneTilling as frames come: a cut is told with the first frame of the next scene, from a state that never grows.

The depth is that of the left hill alone, L - s, which needs the latest likeness and the hill's top and nothing else;
the threshold is made of the mean and spread of all depths before this one (Welford's running form).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from vidmem.cuts.tilling import Cut
from vidmem.errors import InputError, UsageError


@dataclass(frozen=True, eq=False)
class Tiled:
    """All that is known of the frames before."""

    frames: int = 0
    feature: np.ndarray | None = None  # (C,) of the latest frame, of length 1
    likeness: float = 0.0  # of the latest two frames
    hill: float = 0.0  # the top of the hill that leads down to it
    depths: int = 0  # how many went into the two below
    mean: float = 0.0
    squares: float = 0.0  # sum of squared differences from the mean
    latest: int | None = None  # the frame of the latest cut

    @property
    def nbytes(self) -> int:
        return 7 * 8 + (0 if self.feature is None else self.feature.nbytes)


@dataclass(frozen=True)
class StreamingTilling:
    """A cut where the depth is above mean + alpha std of the depths before, and above the floor."""

    alpha: float = 0.5
    floor: float = 0.125  # half of what two sides need, see Tilling
    shortest: int = 8  # frames from cut to cut: what comes earlier is passed over

    def __post_init__(self) -> None:
        if self.shortest < 1 or not np.isfinite([self.alpha, self.floor]).all():
            raise UsageError("The shortest scene is 1 frame or more; alpha and floor are finite numbers.")

    def start(self) -> Tiled:
        return Tiled()

    def step(self, state: Tiled, feature: np.ndarray) -> tuple[Tiled, Cut | None]:
        """One frame further, from its (C,) vector; the cut between the frame before and this one, if there is one.

        Raises InputError for a vector of another length than before, or one that is not finite.
        """
        unit = self._checked(state, feature)
        if state.feature is None:
            return Tiled(1, unit), None
        likeness = float(state.feature @ unit)
        hill = state.hill if state.frames > 1 and state.likeness >= likeness else likeness
        depth, frame = hill - likeness, state.frames - 1
        apart = state.latest is None or frame - state.latest >= self.shortest
        cut = depth > self.threshold(state) and apart
        count = state.depths + 1
        mean = state.mean + (depth - state.mean) / count
        squares = state.squares + (depth - state.mean) * (depth - mean)
        latest = frame if cut else state.latest
        after = Tiled(state.frames + 1, unit, likeness, hill, count, mean, squares, latest)
        return after, Cut(frame, depth, likeness) if cut else None

    def threshold(self, state: Tiled) -> float:
        """What the next depth must be above. Before two depths are known the floor alone judges, if there is one."""
        if state.depths < 2:
            return self.floor if self.floor > 0 else inf
        return max(self.floor, state.mean + self.alpha * sqrt(state.squares / (state.depths - 1)))

    @staticmethod
    def _checked(state: Tiled, feature: np.ndarray) -> np.ndarray:
        feature = np.asarray(feature, np.float64)
        if feature.ndim != 1 or (state.feature is not None and feature.shape != state.feature.shape):
            wanted = "(C,)" if state.feature is None else str(state.feature.shape)
            raise InputError(f"The vector of frame {state.frames} is {feature.shape}, not {wanted}.")
        length = float(np.linalg.norm(feature))
        if not np.isfinite(length):
            raise InputError(f"The vector of frame {state.frames} is not finite. Check the encoder.")
        return feature / length if length > 0 else feature
