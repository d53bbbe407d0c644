"""vidmem: streaming memory for models that watch video.

import vidmem
for frame, track in vidmem.follow("clip.mp4", box=(120, 80, 260, 400), memory="sam2long", model="sam2.1-small"):
    track.masks()[1]  # (H, W) bool
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidmem.compose import load
    from vidmem.following import follow
    from vidmem.frames import watch
    from vidmem.session import Session
    from vidmem.tracker import Tracker
    from vidmem.values import Entry, Frame, Guess, Memory, Prompt, Track

__all__ = ["Entry", "Frame", "Guess", "Memory", "Prompt", "Session", "Track", "Tracker", "follow", "load", "watch"]
__version__ = "0.1.0"

_HOMES = {  # the others live in vidmem.values
    "follow": "vidmem.following",
    "load": "vidmem.compose",
    "watch": "vidmem.frames",
    "Session": "vidmem.session",
    "Tracker": "vidmem.tracker",
}


def __getattr__(name: str) -> Any:
    """Nothing is imported until it is asked for, so that `vidmem --help` need not wait for torch."""
    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "vidmem.values")), name)
    raise AttributeError(f"vidmem has no {name!r}. It has: {', '.join(__all__)}.")
