"""The camera tab: pictures come one at a time from the browser, each is answered before the next is taken.

So nothing queues up: when the tracker is slower than the camera, pictures are left out and not late. Nothing is kept of
the stream but the tracker's memory, which is bounded.
"""

from __future__ import annotations

import binascii
import threading
import time
from base64 import b64decode
from collections import OrderedDict
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
import torch
from PIL import Image

from vidmem import states
from vidmem.emission import State
from vidmem.errors import InputError
from vidmem.results import annotate
from vidmem.tracker import Tracker
from vidmem.ui.limits import in_words
from vidmem.ui.picture import as_url, shown
from vidmem.ui.trackers import Trackers
from vidmem.ui.turns import Turns
from vidmem.ui.work import Look, rgb
from vidmem.values import Frame, Prompt

MOST_BYTES = 2 << 20  # of one picture, as it comes
MOST_PIXELS = 1920 * 1080
MOST_OBJECTS = 8
MOST_STREAMS = 8  # cameras at once; the one longest unheard of makes room


@dataclass(frozen=True, eq=False)
class Live:
    """A camera that is followed: the tracker, what it remembers, how many pictures came."""

    chosen: tuple[str, str]
    tracker: Tracker
    state: State
    size: tuple[int, int] | None = None
    index: int = 0


class Cameras:
    """Live streams by token."""

    def __init__(self, trackers: Trackers, turns: Turns) -> None:
        self.trackers, self.turns = trackers, turns
        self._streams: OrderedDict[str, Live] = OrderedDict()
        self._lock = threading.Lock()

    def step(self, token: str, asked: dict[str, Any]) -> dict[str, Any]:
        """One picture: {"picture": data URL, "clicks": [[x, y, label, object], …], "tracker", "model", "forget": bool}.

        Gives back the picture with its objects, their scores, and the seconds it took. Raises InputError for what is no
        picture, and for a click outside it.
        """
        began = time.monotonic()
        pixels = decode(asked.get("picture"))
        size = pixels.shape[0], pixels.shape[1]
        prompts = prompts_of(asked.get("clicks") or [], size)  # a slip is told before the stream is touched
        chosen = str(asked.get("tracker", "sam2")), str(asked.get("model", "nano"))
        with self._lock:
            live = self._streams.get(token)
        if live is None or live.chosen != chosen or live.size != size or asked.get("forget") is True:
            live = Live(chosen, replace(self.trackers.get(*chosen), emit="best"), {}, size)
        frame = Frame(live.index, torch.from_numpy(pixels).permute(2, 0, 1), began)
        waited = time.monotonic()
        with self.turns.taken():
            asked_at = time.monotonic()
            state, track = live.tracker.step(live.state, frame, prompts)
        answered = time.monotonic()
        annotation = annotate(track)
        looks = {each: (look.name, rgb(look.colour)) for each in annotation.objects for look in [look_of(each)]}
        with self._lock:
            self._streams[token] = replace(live, state=state, index=live.index + 1)
            self._streams.move_to_end(token)
            while len(self._streams) > MOST_STREAMS:
                self._streams.popitem(last=False)
        return {
            "picture": as_url(shown(frame, annotation, looks), widest=960, quality=78),
            "objects": [
                {"id": i, "name": looks[i][0], "score": round(each.score, 2), "visible": each.visible}
                for i, each in annotation.objects.items()
            ],
            "tracker_seconds": round(answered - asked_at, 4),
            "waited_seconds": round(asked_at - waited, 4),
            "server_seconds": round(time.monotonic() - began, 4),
            "memory": in_words(states.nbytes(state)),
            "frame": live.index,
        }

    def leave(self, token: str) -> None:
        """Forgets a stream."""
        with self._lock:
            self._streams.pop(token, None)


def look_of(object_id: int) -> Look:
    from vidmem.palette import object_colour

    red, green, blue = object_colour(object_id)
    return Look(f"Object {object_id}", f"#{red:02x}{green:02x}{blue:02x}")


def decode(url: Any) -> np.ndarray:
    """(H, W, 3) uint8 of a JPEG or PNG in a data URL."""
    if not isinstance(url, str) or not url.startswith(("data:image/jpeg;base64,", "data:image/png;base64,")):
        raise InputError("The camera sent no picture.")
    if len(url) > MOST_BYTES:
        raise InputError(f"The camera's picture is larger than {in_words(MOST_BYTES)}.")
    try:
        image = Image.open(BytesIO(b64decode(url.partition(",")[2], validate=True)), formats=("JPEG", "PNG"))
        if image.width * image.height > MOST_PIXELS or min(image.size) < 16:
            raise InputError(
                f"The camera's picture is {image.width} x {image.height}; from 16 x 16 to 1920 x 1080 are taken."
            )
        return np.array(image.convert("RGB"))
    except (OSError, ValueError, binascii.Error, SyntaxError) as problem:
        raise InputError("The camera's picture is damaged.") from problem


def prompts_of(clicks: Any, size: tuple[int, int]) -> list[Prompt]:
    """The prompts of [[x, y, label, object], …]."""
    if not isinstance(clicks, list) or len(clicks) > 32:
        raise InputError("At most 32 clicks are taken with one picture.")
    prompts = []
    for each in clicks:
        if not isinstance(each, list) or len(each) != 4 or not all(isinstance(n, (int, float)) for n in each):
            raise InputError("A click is x, y, 1 or 0, and the number of its object.")
        x, y, label, object_id = each
        if not (0 <= x < size[1] and 0 <= y < size[0]):
            raise InputError(f"The click {x:.0f}, {y:.0f} lies outside the picture, which is {size[1]} x {size[0]}.")
        if not 1 <= object_id <= MOST_OBJECTS:
            raise InputError(f"At most {MOST_OBJECTS} objects are followed on a camera.")
        point = torch.tensor([[float(x), float(y)]])
        prompts.append(Prompt(int(object_id), points=point, labels=torch.tensor([int(label != 0)])))
    return prompts
