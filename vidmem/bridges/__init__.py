"""Recurrent memory bridges: from hours of video to the few tokens a language model can read, in constant work a frame.

VideoLLaMB (arXiv 2409.01071): a video is cut where its scenes end, each segment passes one attention layer together
with a handful of memory tokens, what they have become is put into a cache, and retrieval from the cache makes the
memory that enters the next segment.

    frame ── cuts.Stream ──> a segment ended ── bridge.step(state, tokens) ──> next state, what the segment became
                                                   └── cache policy: what is kept of the past, and for how long

The state is a frozen value, as everywhere in vidmem: keep an old one to go back, save it, move it, count its bytes.

To add a cache policy: write vidmem/bridges/NAME.py and its line in the table; tests/test_bridge_caches.py tries it at
once.

Axes, by letter:  B videos,  M memory tokens,  N tokens of a segment,  T tokens an entry keeps,  C the bridge's width,
D the language model's width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from vidmem.bridges.entry import Cache, Kept


class CachePolicy(Protocol):
    """What is kept of the segments behind. One verb, pure."""

    def add(self, cache: Cache, entry: Kept) -> Cache:
        """The cache with one more segment in it, and within the policy's bound. Oldest first."""
        ...


policies: Catalog[CachePolicy] = Catalog(
    "cache policy",
    "vidmem.bridges",
    {
        "everything": "vidmem.bridges.everything:Everything",  # VideoLLaMB's own: grows with every segment
        "fifo": "vidmem.bridges.fifo:Fifo",  # the latest segments
        "merge": "vidmem.bridges.merge:Merge",  # the two most alike neighbours become one (MA-LMM)
        "surprise": "vidmem.bridges.surprise:Surprise",  # what could not be foretold stays
    },
)
