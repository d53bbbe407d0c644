"""The recurrent memory bridge of VideoLLaMB (arXiv 2409.01071, section 3): memory tokens, a cache, retrieval.

Both published forms are this one module, told apart by what the language model is given:
`Bridged.tokens` of the last segment (the form that was released), or `RecurrentBridge.read(state)`, the memories
retrieved behind every segment that is kept (the form of the needle test, which reaches further).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.bridges import CachePolicy
from vidmem.bridges.entry import Cache, Kept
from vidmem.bridges.everything import Everything
from vidmem.bridges.layers import Attending, Block
from vidmem.errors import InputError, UsageError


@dataclass(frozen=True)
class BridgeSizes:
    """The sizes of a bridge; as they stand, those of the published checkpoint (ColorfulAI/videollamb-llava-1.5-7b)."""

    width: int = 1024  # C, of the vision tower
    heads: int = 8
    hidden: int = 4096  # of the MLP
    memory_tokens: int = 32  # M
    language_width: int = 4096  # D
    dropout: float = 0.1
    eps: float = 1e-12  # of each LayerNorm
    segment_codes: int = 0  # rows of a learned code that says which segment this is; 0: none, as published

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise UsageError(f"A bridge {self.width} wide cannot be split into {self.heads} heads of equal width.")
        if self.memory_tokens < 1:
            raise UsageError(f"A bridge needs a memory token or more, not {self.memory_tokens}.")


@dataclass(frozen=True, eq=False)
class BridgeState:
    """All a bridge knows of the past."""

    memory: Tensor | None = None  # (B, M, C) what enters the next segment; None: nothing was seen
    cache: Cache = ()
    segments: int = 0  # how many were seen


@dataclass(frozen=True, eq=False)
class Bridged:
    """What became of one segment."""

    tokens: Tensor  # (B, N, D) its tokens, mixed with the memory, for the language model
    memory: Tensor  # (B, M, C) the memory tokens as the segment left them
    retrieved: Tensor  # (B, M, C) the same after retrieval: what enters the next segment


class RecurrentBridge(nn.Module):
    """Segments go in one by one; the state that comes out with each is all that is kept.

    cache      what is kept of the segments behind (`vidmem.bridges.policies`); VideoLLaMB keeps everything.
    keeps      what retrieval attends to: a segment's "memory" tokens (released form), or all of the "segment".
    retrieval  whether the memory is refreshed from the cache at all.
    gradient   whether learning reaches back through the segments; without, each segment learns by itself, in memory
               that does not grow with the video.

    The memory of the first segment is a learned parameter that begins at zero (as published). No position code: what
    lies where must be in the tokens. Videos of a batch never mix.
    """

    def __init__(
        self,
        sizes: BridgeSizes = BridgeSizes(),
        cache: CachePolicy = Everything(),  # noqa: B008 (frozen)
        keeps: Literal["memory", "segment"] = "memory",
        retrieval: bool = True,
        gradient: bool = True,
    ):
        super().__init__()
        if keeps not in ("memory", "segment"):
            raise UsageError(f"A bridge keeps 'memory' or 'segment', not {keeps!r}.")
        self.sizes, self.cache, self.keeps, self.retrieval, self.gradient = sizes, cache, keeps, retrieval, gradient
        self.block = Block(sizes.width, sizes.heads, sizes.hidden, sizes.dropout, sizes.eps)
        self.retriever = Attending(sizes.width, sizes.heads, sizes.dropout, sizes.eps)
        self.projection = nn.Linear(sizes.width, sizes.language_width)
        self.first_memory = nn.Parameter(torch.zeros(sizes.memory_tokens, sizes.width))
        self.segment_code = nn.Parameter(torch.zeros(sizes.segment_codes, sizes.width)) if sizes.segment_codes else None

    def start(self) -> BridgeState:
        """The state before anything was seen."""
        return BridgeState()

    def step(self, state: BridgeState, segment: Tensor) -> tuple[BridgeState, Bridged]:
        """One segment further.     segment (B, N, C), or (N, C) of one video

        Raises InputError for tokens of another width, none at all, or another number of videos than before.
        """
        segment = self._checked(segment, state)
        count = self.sizes.memory_tokens
        memory = state.memory
        if memory is None:
            memory = self.first_memory.expand(len(segment), -1, -1)
        if self.segment_code is not None:
            # Beyond the codes that were learned the last one stands for all: better than an index that breaks.
            segment = segment + self.segment_code[min(state.segments, len(self.segment_code) - 1)]
        mixed = self.block(torch.cat([memory.to(segment.dtype), segment], 1))
        memory, rest = mixed[:, :count], mixed[:, count:]
        keep = memory if self.keeps == "memory" else rest
        retrieved = memory
        if self.retrieval:  # the segment just seen is among what is retrieved from, whatever the policy makes of it
            retrieved = self.retriever(memory, torch.cat([*(each.tokens for each in state.cache), keep], 1))
        carried = self._carried(retrieved)
        cache = self.cache.add(state.cache, Kept(self._carried(keep), carried, state.segments, state.segments))
        return BridgeState(carried, cache, state.segments + 1), Bridged(self.to_language(rest), memory, retrieved)

    def read(self, state: BridgeState) -> Tensor:
        """(B, S M, D) the memories retrieved behind each segment that is kept, oldest first, for a language model.

        Bounded where the cache is. Raises InputError when nothing was seen.
        """
        if not state.cache:
            raise InputError("Nothing was seen yet, so there is no memory to read: step through a segment first.")
        return self.to_language(torch.cat([each.retrieved for each in state.cache], 1))

    def to_language(self, tokens: Tensor) -> Tensor:
        """(B, N, C) -> (B, N, D): a linear layer and GELU, as published."""
        return F.gelu(self.projection(tokens))

    def _carried(self, tokens: Tensor) -> Tensor:
        """The tokens as the state holds them: where nothing is learned, without the larger tensor they are cut from."""
        tokens = tokens if self.gradient else tokens.detach()
        return tokens if tokens.requires_grad else tokens.clone()

    def _checked(self, segment: Tensor, state: BridgeState) -> Tensor:
        given = tuple(segment.shape)
        if segment.ndim == 2:
            segment = segment[None]
        if segment.ndim != 3 or segment.shape[-1] != self.sizes.width or not segment.shape[1]:
            raise InputError(
                f"A segment of this bridge is (B, N, {self.sizes.width}) or (N, {self.sizes.width}) with N of 1 or "
                f"more; segment {state.segments} is {given}. Pool its frames into tokens of that width."
            )
        if state.memory is not None and len(state.memory) != len(segment):
            raise InputError(
                f"The state remembers {len(state.memory)} videos; segment {state.segments} brings {len(segment)}. "
                "Give each batch its own state."
            )
        return segment
