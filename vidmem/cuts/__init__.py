"""Where the scenes of a video end: SceneTilling of VideoLLaMB (arXiv 2409.01071, section 3.1) and what is made of it.

A frame becomes one vector; where the likeness of neighbours sinks into a valley between the hills on both sides, a
scene ends. A cut at frame b means: b is the last frame of its scene, b + 1 the first of the next.

To add an encoder: write vidmem/cuts/NAME.py with a function `encode(frame) -> (C,) vector` made by its class, and its
line in the table; tests/test_scene_forms.py tries encoders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    import numpy as np

    from vidmem.values import Frame


class FrameEncoder(Protocol):
    """One vector of a frame. Pure."""

    def __call__(self, frame: Frame) -> np.ndarray:
        """(C,) float: frames alike have a small angle between them."""
        ...


encoders: Catalog[FrameEncoder] = Catalog(
    "frame encoder",
    "vidmem.cuts",
    {
        "colour": "vidmem.cuts.colour:Colour",  # where which colours are: no download, no weights
        "nano": "vidmem.cuts.nano:Nano",  # the image encoder of the embedded model
        "model": "vidmem.cuts.nano:Nano",  # model:NAME, any segmenter of `vidmem models list`
        "timm": "vidmem.cuts.of_timm:OfTimm",  # timm:NAME, any model of timm
        "transformers": "vidmem.cuts.of_transformers:OfTransformers",  # transformers:FOLDER, any vision model
    },
)
