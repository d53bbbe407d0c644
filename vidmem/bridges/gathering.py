"""A bridge without weights: each segment's tokens, averaged over its frames, are its memory. For a model without a
trained bridge: what is kept is in the language model's own width, so it is read as pictures are."""

from __future__ import annotations

from torch import Tensor

from vidmem.bridges import CachePolicy
from vidmem.bridges.bridge import Bridged, BridgeState
from vidmem.bridges.entry import Kept
from vidmem.bridges.merge import Merge
from vidmem.errors import InputError

KEEP = 16  # segments, with 16 tokens each no more than a picture or two cost a language model


class Gathering:
    """The verbs of a bridge. frame_tokens: how many tokens each frame of a segment has; a segment is whole frames."""

    def __init__(self, frame_tokens: int, cache: CachePolicy = Merge(KEEP)):  # noqa: B008 (frozen)
        self.frame_tokens, self.cache = frame_tokens, cache

    def start(self) -> BridgeState:
        return BridgeState()

    def step(self, state: BridgeState, segment: Tensor) -> tuple[BridgeState, Bridged]:
        """segment (N, D) or (B, N, D), frame after frame. Raises InputError where it is not whole frames."""
        segment = segment[None] if segment.ndim == 2 else segment
        if segment.ndim != 3 or not segment.shape[1] or segment.shape[1] % self.frame_tokens:
            raise InputError(
                f"Segment {state.segments} is {tuple(segment.shape)}; wanted are whole frames of {self.frame_tokens} "
                "tokens."
            )
        mean = segment.unflatten(1, (-1, self.frame_tokens)).mean(1)
        cache = self.cache.add(state.cache, Kept(mean, mean, state.segments, state.segments))
        return BridgeState(mean, cache, state.segments + 1), Bridged(segment, mean, mean)

    def read(self, state: BridgeState) -> Tensor:
        """(B, S M, D) what is kept, oldest first. Raises InputError when nothing was seen."""
        import torch

        if not state.cache:
            raise InputError("Nothing was seen yet, so there is no memory to read: step through a segment first.")
        return torch.cat([each.retrieved for each in state.cache], 1)
