"""How fast a tracker is, beside its peers: all sides take turns frame by frame in one process.

To add a peer: write vidmem/speed/NAME.py and its line in the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vidmem.models.sam2 import Sam2


class Side(Protocol):
    """One implementation, following given boxes through given pictures."""

    def step(self) -> dict[int, Tensor]:
        """The next frame: object id -> (H, W) mask logits."""
        ...


class Peer(Protocol):
    """Makes a side of another implementation with the weights of a model of ours.

    pictures: (3, S, S) uint8 at the model's own grid, so that nobody resizes   boxes: object id -> x0 y0 x1 y1, frame 0
    precision: "fp32" or "bf16" autocast. Raises UsageError where the peer is not installed.
    """

    def __call__(
        self,
        model: Sam2,
        pictures: Sequence[Tensor],
        boxes: Mapping[int, Sequence[float]],
        precision: str,
        device: torch.device,
    ) -> Side: ...


peers: Catalog[Peer] = Catalog(
    "peer",
    "vidmem.peers",
    {
        "sam2": "vidmem.speed.official:Official",  # the reference implementation, pip install sam2
        "transformers": "vidmem.speed.hugging_face:HuggingFace",  # pip install transformers
    },
)
