"""When an answer is given out: at once, a fixed number of frames later, or as soon as it can no longer change.

A search that keeps several pasts may change its mind about frames that went by. Given out late, an answer is the one of
the past that turned out best. The held-back frames are bounded, so a stream needs no more memory for it.

SAM2Long (arXiv 2410.16268) is published offline: when the video is over, the best past says what every frame was. None
of the three ways here is the paper's; "commit" gives the very same answers, each as soon as nothing can change it any
more. Only an answer that the lag forces out may be another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from vidmem.errors import UsageError
from vidmem.searches import History
from vidmem.values import Frame, Guess, Track

State = Mapping[int, tuple[History, ...]]
"""object id -> the histories kept of it, the one believed most first. Never changed in place: an old State is an undo
point."""


@dataclass(frozen=True)
class Emission:
    """When answers are given out."""

    emit: Literal["best", "lag", "commit"] = "best"
    # best: at once, by the past believed most then; masks may jump between pasts
    # lag: `lag` frames later, by the past believed most by then
    # commit: as soon as all pasts agree on a frame (then it is the offline answer), at the latest `lag` frames later
    lag: int = 16

    def __post_init__(self) -> None:
        if self.emit not in ("best", "lag", "commit") or self.lag < 0:
            raise UsageError(f"emit is best, lag or commit, and lag 0 frames or more; got {self.emit!r}, {self.lag}.")

    @property
    def reach(self) -> int:
        """How many of its latest answers a history keeps."""
        return 0 if self.emit == "best" else self.lag + 1


def release(
    emission: Emission, state: State, held: tuple[Frame, ...], ended: bool = False
) -> tuple[State, list[tuple[Frame, Track]], tuple[Frame, ...]]:
    """The frames whose answers are final, out of those held back, in order; the state and the frames held without them.

    held: frames that were seen and not yet given out, the newest last. ended: no frame will follow, so all are final.
    """
    out: list[tuple[Frame, Track]] = []
    for frame in held:
        late = len(held) - len(out) > emission.lag
        guesses = {}
        for object_id, histories in state.items():
            said = [_said(history, frame.index) for history in histories]
            agreed = emission.emit == "commit" and all(_same(each, said[0]) for each in said)
            if not (agreed or late or ended):
                break
            if said[0] is not None:
                guesses[object_id] = said[0]
        else:
            out.append((frame, Track(frame.index, frame.time, frame.name, frame.size, guesses)))
            continue
        break
    if not out:
        return state, out, held
    given = {frame.index for frame, _ in out}
    trimmed = {
        object_id: tuple(
            replace(each, trail=tuple(g for g in each.trail if g.frame not in given)) for each in histories
        )
        for object_id, histories in state.items()
    }
    return trimmed, out, held[len(out) :]


def _said(history: History, frame: int) -> Guess | None:
    """What a history answered in a frame; None before its object began."""
    return next((guess for guess in history.trail if guess.frame == frame), None)


def _same(one: Guess | None, other: Guess | None) -> bool:
    """Whether two pasts answered the same: by the very same branch, or both that nothing is to be seen."""
    return one is other or (one is not None and other is not None and not one.visible and not other.visible)
