"""Scores as JSON holds them, to the last bit: what JSON does not know is written as a word."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

WHOLE = "all"  # the key of scores that belong to a whole video rather than to an object


def to_plain(scores: Mapping[Any, Any]) -> dict[str, Any]:
    """Object id (or measure) -> part -> values, or measure -> values, as a protocol gives them."""
    if any(isinstance(each, np.ndarray) for each in scores.values()):
        return {WHOLE: {name: _plain(values) for name, values in scores.items()}}
    return {str(each): {name: _plain(values) for name, values in said.items()} for each, said in scores.items()}


def from_plain(said: Mapping[str, Any]) -> dict[Any, Any]:
    """The scores that `to_plain` made."""
    if WHOLE in said:
        return {name: values_of(values) for name, values in said[WHOLE].items()}
    return {
        int(key) if key.lstrip("-").isdigit() else key: {name: values_of(values) for name, values in parts.items()}
        for key, parts in said.items()
    }


def values_of(said: Any) -> np.ndarray:
    """The array of one measure."""
    if isinstance(said, list):
        return np.array([float(each) for each in said], np.float64)
    return np.array([float(e) if isinstance(e, str) else e for e in said["values"]], said["dtype"]).reshape(
        said["shape"]
    )


def _plain(values: Any) -> Any:
    """A list for a row of numbers; with its type and shape for all else."""
    array = np.asarray(values)
    listed = [_word(each) for each in array.ravel().tolist()]
    if array.ndim == 1 and array.dtype == np.float64:
        return listed
    return {"dtype": str(array.dtype), "shape": list(array.shape), "values": listed}


def _word(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
