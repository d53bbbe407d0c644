"""Everybody's desks: who has one, who may get one, and whose is cleared away."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

from vidmem.errors import InputError
from vidmem.frames import Source, watch
from vidmem.ui.desk import Chosen, Desk
from vidmem.ui.limits import Limits
from vidmem.ui.sample import SAMPLE, sample, set_click
from vidmem.ui.saved import reopen
from vidmem.ui.trackers import Trackers
from vidmem.ui.turns import Turns

SWEEP_EVERY = 5.0  # seconds

Opening = Callable[[], tuple[Source, str]]  # the video a new desk begins with, and its name


class Desks:
    """A desk is found by its token alone, which nobody can guess."""

    def __init__(
        self,
        folder: Path,
        trackers: Trackers,
        limits: Limits,
        chosen: Chosen,
        opening: Opening,
        click: bool = False,
        session: Path | None = None,
    ) -> None:
        """folder: of all desks; each has its own below. click: whether a new desk has the sample's click set. session:
        a saved session that a new desk begins with instead."""
        self.folder, self.trackers, self.limits, self.chosen = folder, trackers, limits, chosen
        self.opening, self.click, self.session, self.turns = opening, click, session, Turns()
        self.open: dict[str, Desk] = {}
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._sweeper = threading.Thread(target=self._sweep_on, name="vidmem-sweep", daemon=True)
        self._sweeper.start()

    def attend(self, token: object) -> Desk:
        """The desk of a token, or a new one. Raises InputError when every place is taken."""
        with self._lock:
            if isinstance(token, str) and token in self.open:
                desk = self.open[token]
                desk.leaving_at, desk.heard_at = None, time.monotonic()
                return desk
        self.sweep()
        with self._lock:
            if len(self.open) >= self.limits.sessions:
                raise InputError(
                    f"All {self.limits.sessions} places on this server are taken. Come back in a few minutes: a place "
                    "that is left is freed."
                )
            token = secrets.token_urlsafe(18)
            desk = Desk(token, self.folder / token, self.trackers, self.turns, self.limits, self.chosen)
            desk.lock.acquire()  # nobody else may see it half made
            self.open[token] = desk
        try:
            source, name = self.opening()
            desk.lay(source, name)
            if self.session is not None:
                reopen(desk, self.session, self.session.name)
            elif self.click:
                set_click(desk)
        except BaseException:
            self.close(token)
            raise
        finally:
            desk.lock.release()
        return desk

    def find(self, token: object) -> Desk:
        """Raises InputError for a token that is not, or no longer, one."""
        desk = self.open.get(token) if isinstance(token, str) else None
        if desk is None:
            raise InputError("This page was left for too long and its place was freed. Reload it to begin anew.")
        desk.heard_at, desk.leaving_at = time.monotonic(), None
        return desk

    def leave(self, token: str) -> None:
        """The tab was closed or is being reloaded: the place is kept a little while."""
        desk = self.open.get(token) if isinstance(token, str) else None
        if desk:
            desk.leaving_at = time.monotonic()

    def sweep(self) -> None:
        """Closes the desks that were left, and those of which nothing was heard for long."""
        now = time.monotonic()
        for token, desk in list(self.open.items()):
            left = desk.leaving_at is not None and now - desk.leaving_at > self.limits.leave_seconds
            if left or now - desk.heard_at > self.limits.idle_seconds:
                self.close(token)

    def close(self, token: str) -> None:
        with self._lock:
            desk = self.open.pop(token, None)
        if desk:
            desk.close()

    def close_all(self) -> None:
        self._closed.set()
        for token in list(self.open):
            self.close(token)

    def _sweep_on(self) -> None:
        while not self._closed.wait(SWEEP_EVERY):
            self.sweep()


def opening_of(video: str | None, limits: Limits) -> tuple[Opening, bool]:
    """How a desk begins: with `video`, looked at once now, or with the bundled clip and its click.

    Raises InputError for a video that cannot be opened, or not be read twice.
    """
    if video is None or video == SAMPLE:
        return sample, True
    source = watch(video, ahead=2)
    if not source.seekable:
        raise InputError(f"{video} cannot be read again from any frame. Record it to a file; a camera has its own tab.")
    next(source.between(0, 1))
    source.close()
    name = Path(video.rstrip("/")).name or video
    return lambda: (watch(video, on_damage="skip", ahead=2), name), False
