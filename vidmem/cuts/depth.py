"""How deep each moment lies between the hills of likeness on its two sides.

n = T - 1 likenesses s_i = cos(F_i, F_i+1) of T frames; d_i says how sharply the video changes from frame i to i + 1.
"""

from __future__ import annotations

import numpy as np

from vidmem.errors import InputError


def likenesses(features: np.ndarray) -> np.ndarray:
    """(T - 1,) cosine of each frame's vector and the next one's.     features (T, C)

    A vector of zeros is like nothing: 0. Raises InputError for other shapes and for values that are no numbers.
    """
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or not len(features):
        raise InputError(f"Features are (T, C) with a frame or more, not {features.shape}.")
    if not np.isfinite(features).all():
        bad = int(np.flatnonzero(~np.isfinite(features).all(1))[0])
        raise InputError(f"The features of frame {bad} are not finite. Check the encoder, for example its precision.")
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit = np.divide(features, lengths, out=np.zeros_like(features), where=lengths > 0)
    return (unit[:-1] * unit[1:]).sum(1)


def left_hills(s: np.ndarray) -> np.ndarray:
    """(n,) the top of the first hill to the left of each moment: uphill and along level ground, never down again.

    One value is carried: L_i = L_i-1 where s_i-1 >= s_i, else s_i, for then no hill lies to the left.
    """
    hills = np.array(s, float)
    for i in range(1, len(hills)):
        if s[i - 1] >= s[i]:
            hills[i] = hills[i - 1]
    return hills


def hill_depths(s: np.ndarray) -> np.ndarray:
    """(n,) d = L + R - 2 s over the first hill on both sides: VideoLLaMB's released code, after TextTiling."""
    s = np.asarray(s, float)
    return left_hills(s) + left_hills(s[::-1])[::-1] - 2 * s


def left_depths(s: np.ndarray) -> np.ndarray:
    """(n,) d = L - s over the first hill to the left: all that a stream can know at once."""
    s = np.asarray(s, float)
    return left_hills(s) - s


def whole_depths(s: np.ndarray) -> np.ndarray:
    """(n,) d = (c_l + c_r - 2 s) / 2 with the highest likeness anywhere on each side: VideoLLaMB, section 3.1."""
    s = np.asarray(s, float)
    return (np.maximum.accumulate(s) + np.maximum.accumulate(s[::-1])[::-1] - 2 * s) / 2
