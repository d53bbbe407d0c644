"""How fast a frame could be: operations against what a GPU can do, and what the operations of SAM 2 are.

Operations are those of a whole frame with a full memory at 1024 (7 pages, 16 pointers), 2 for each multiplication and
addition, with values folded; counted op by op for the published sizes.
"""

from __future__ import annotations

# Dense bfloat16 operations a second and bytes a second, from the makers' data sheets; matched by part of the name.
PEAKS = {
    "H200": (989e12, 4.8e12),
    "H100": (989e12, 3.35e12),
    "A100": (312e12, 2.0e12),
    "L40": (181e12, 0.864e12),
    "RTX 4090": (165e12, 1.0e12),
}

ENCODER = {"tiny": 291e9, "small": 358e9, "base+": 645e9, "large": 1821e9}  # of an image
PER_OBJECT = 77.3e9 + 307.7e9 + 34.4e9 + 3.6e9 + 11.6e9  # self, cross (folded), MLP, decoder, memory encoder
SHARED = 19.3e9 + 0.5e9 + 0.5e9  # of each further object: first self-attention, queries, one convolution


def peak_of(gpu: str) -> tuple[float | None, float]:
    """Operations and bytes a second of a GPU; None where it is not known."""
    return next((peaks for part, peaks in PEAKS.items() if part in gpu), (None, 1.0))


def operations(size: str, objects: int) -> float | None:
    """Of a frame of a published size ("sam2.1-tiny") at 1024; None for another."""
    encoder = ENCODER.get(size.rpartition("-")[2])
    return None if encoder is None else encoder + objects * PER_OBJECT - (objects - 1) * SHARED


def floor_seconds(size: str, objects: int, gpu: str) -> float | None:
    """The least a frame can take on that GPU; None where size or GPU is not known."""
    work, (peak, _) = operations(size, objects), peak_of(gpu)
    return work / peak if work and peak else None
