"""States along a video, to enter it again at any frame; bounded in number, dense lately, sparse before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, eq=False)
class Checkpoints:
    """frame index -> the state before that frame. Never more than `limit`; what is thinned out is replayed."""

    limit: int = 64
    states: Mapping[int, Any] = field(default_factory=dict)

    def put(self, frame: int, state: Any) -> Checkpoints:
        """With one more state; if there are too many, without the one whose absence is felt least."""
        states = {**self.states, frame: state}
        if len(states) > self.limit:
            order = sorted(states)
            older = order[1 : max(2, len(order) - self.limit // 2)]  # the first and the newest half stay
            position = {each: place for place, each in enumerate(order)}
            gaps = {each: order[position[each] + 1] - order[position[each] - 1] for each in older}
            states.pop(min(gaps, key=gaps.__getitem__))
        return replace(self, states=states)

    def before(self, frame: int) -> tuple[int, Any] | None:
        """The newest state at or before a frame, and the frame it stands before."""
        known = [each for each in self.states if each <= frame]
        return (max(known), self.states[max(known)]) if known else None

    def forget_after(self, frame: int) -> Checkpoints:
        """Without the states that saw `frame`."""
        return replace(self, states={each: state for each, state in self.states.items() if each <= frame})

    def each(self, change: Any) -> Checkpoints:
        """Every state changed alike."""
        return replace(self, states={frame: change(state) for frame, state in self.states.items()})
