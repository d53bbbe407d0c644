"""How fast a tracker is, beside its peers: all sides take turns frame by frame in one process.

To add a peer: write vidmem/speed/NAME.py and its line in the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from torch import Tensor


class Side(Protocol):
    """One implementation, following given boxes through given pictures."""

    def step(self) -> dict[int, Tensor]:
        """The next frame: object id -> (H, W) mask logits."""
        ...


# A peer is made of (model, pictures, boxes, precision, device): a Sam2 of ours whose weights it takes, (3, S, S) uint8
# pictures at the model's own grid, so that nobody resizes, {object id: x0 y0 x1 y1} in frame 0, "fp32" or "bf16".
# It raises UsageError where it is not installed.
peers: Catalog[Side] = Catalog(
    "peer",
    "vidmem.peers",
    {
        "sam2": "vidmem.speed.official:Official",  # the reference implementation, pip install sam2
        "transformers": "vidmem.speed.hugging_face:HuggingFace",  # pip install transformers
    },
)
