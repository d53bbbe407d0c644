"""From the scores of an object's frames to its numbers: mean, recall and decay of DAVIS (Perazzi et al. 2016, 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from vidmem.errors import InputError

Edges = Literal["exact", "uint8"]


def mean(values: np.ndarray) -> float:
    """Of all scores that are numbers; NaN when there are none."""
    kept = values[~np.isnan(values)]
    return float(np.mean(kept)) if len(kept) else float("nan")


def recall(values: np.ndarray) -> float:
    """The share of frames that score above one half; NaN without frames. A frame that is NaN counts as below."""
    return float(np.mean(values > 0.5)) if len(values) else float("nan")


def decay(values: np.ndarray, edges: Edges = "exact") -> float:
    """How much the last quarter scores below the first; the frame between two quarters belongs to both.

    edges: "uint8" cuts where DAVIS's tool cuts, whose edges wrap round at 256; up to 256 frames both are equal.
    """
    cuts = (np.round(np.linspace(1, len(values), 5) + 1e-10) - 1).astype(np.int64)
    if edges == "uint8":
        cuts = cuts % 256
    return mean(values[cuts[0] : cuts[1] + 1]) - mean(values[cuts[3] : cuts[4] + 1])


def summary(scores: Mapping[str, np.ndarray], edges: Edges = "exact") -> dict[str, float]:
    """One object's numbers: J&F, and for J and F each the mean, the recall and the decay."""
    j, f = mean(scores["J"]), mean(scores["F"])
    numbers = {"J&F": (j + f) / 2, "J": j, "F": f}
    for measure in ("J", "F"):
        numbers[f"{measure}-Recall"] = recall(scores[measure])
        numbers[f"{measure}-Decay"] = decay(scores[measure], edges)
    return numbers


def averaged(objects: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The mean over objects, not over videos, of every number; J&F from the means of J and F.

    Raises InputError when there is no object.
    """
    rows = list(objects)
    if not rows:
        raise InputError("No object was scored. Give at least one video whose scored frames show an object.")
    numbers = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    numbers["J&F"] = (numbers["J"] + numbers["F"]) / 2
    return numbers
