"""The way to a frame whose state is no longer kept: walked a frame a turn, so that others are not kept waiting."""

from __future__ import annotations

from vidmem.session import Session
from vidmem.ui.turns import Turns


def approached(session: Session, frame: int, turns: Turns) -> Session:
    """The session with the state before `frame` at hand. It answers as it did before, only sooner."""
    kept = session.kept
    if not kept.asked or frame > kept.reached + 1 or frame <= min(kept.asked):
        return session
    found = kept.checkpoints.before(frame)
    start = found[0] if found else min(kept.asked)
    if start >= frame:
        return session
    steps = session.propagate(start, frame)
    while True:
        with turns.taken():
            step = next(steps, None)
        if step is None:
            return session
        session = step[0]
