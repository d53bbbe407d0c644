"""A memory bank outside vidmem: the prompts, the frame just before, and frames in which the object looked new.

How new an object looks is read off its pointer, the vector by which the model itself sums it up: a frame whose pointer
is unlike those kept already is worth a page. Nothing here knows which model made the pages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from vidmem.values import Entry, Memory, Observation, Page, Pointer


@dataclass(frozen=True, eq=False)
class KeyframesState:
    step: int = 0  # frames seen so far
    prompts: tuple[Entry, ...] = ()
    kept: tuple[Entry, ...] = ()  # frames that looked new, oldest first
    last: Entry | None = None  # the frame just before


@dataclass(frozen=True)
class Keyframes:
    """Few pages, each of another look of the object."""

    frames: int = 5  # looks kept
    alike_above: float = 0.9  # cosine between two pointers above which they show the same look

    def start(self) -> KeyframesState:
        return KeyframesState()

    def read(self, state: KeyframesState) -> Memory | None:
        if not state.prompts and state.last is None:
            return None
        tracked = [*state.kept, *([state.last] if state.last is not None and state.last not in state.kept else [])]
        pages = [*(Page(entry, 6) for entry in state.prompts)]
        pages += [Page(entry, len(tracked) - 1 - place) for place, entry in enumerate(tracked)]
        pointers = [Pointer(entry, float(state.step - entry.step)) for entry in (*state.prompts, *reversed(tracked))]
        return Memory(tuple(pages), tuple(pointers))

    def write(self, state: KeyframesState, seen: Observation) -> KeyframesState:
        new = replace(seen.remember(), step=state.step)
        after = replace(state, step=state.step + 1)
        if new.prompted:
            return replace(after, prompts=(*state.prompts[:1], *state.prompts[1:][-2:], new), last=None)
        if not seen.guess.visible or any(self._alike(new, other) for other in (*state.prompts, *state.kept)):
            return replace(after, last=new)
        return replace(after, last=new, kept=(*state.kept, new)[-self.frames :])

    def _alike(self, one: Entry, other: Entry) -> bool:
        cosine = torch.cosine_similarity(one.object_pointer.float(), other.object_pointer.float(), dim=0)
        return float(cosine) > self.alike_above
