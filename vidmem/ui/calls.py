"""What the page's scripts call on the server: each call has an answer that says what to show, or what was wrong."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path
from typing import Any

from vidmem.errors import InputError, UsageError, VidmemError
from vidmem.ui.camera import Cameras
from vidmem.ui.desk import Desk
from vidmem.ui.desks import Desks
from vidmem.ui.uploads import shown_name
from vidmem.ui.verbs import VERBS
from vidmem.ui.view import view

log = logging.getLogger(__name__)
GONE = {"error": "This page was closed on the server. Reload it to begin anew.", "gone": True}
PATIENCE = 10.0  # seconds a page waits for news before it asks again


class Calls:
    """The calls, over everybody's desks."""

    def __init__(self, desks: Desks, cameras: Cameras, uploads: Path) -> None:
        """uploads: where the web server puts files that come in."""
        self.desks, self.cameras, self.uploads = desks, cameras, uploads

    def act(self, asked: Any) -> dict[str, Any]:
        """{"verb", "token", …} -> {"view"}, and {"error"} where it could not be done."""
        verb = asked.get("verb") if isinstance(asked, dict) else None
        if not isinstance(verb, str) or verb not in VERBS:
            return {"error": "The page asked for something this server does not know. Reload it."}
        try:
            desk = self.desks.attend(asked.get("token")) if verb == "open" else self.desks.find(asked.get("token"))
        except VidmemError as problem:
            return {"error": str(problem), "gone": True}
        with desk.lock:
            if desk.closed:
                return GONE
            answer: dict[str, Any] = {}
            given = {name: value for name, value in asked.items() if name not in ("file", "verb", "token")}
            if "name" in given and "upload" in given:
                given["name"] = shown_name(str(given["name"]))
            try:
                desk.harvest()
                if "upload" in given:
                    given["file"] = self._taken(desk, given.pop("upload"))
                VERBS[verb](desk, given)
            except VidmemError as problem:
                answer["error"] = _without_paths(str(problem), desk)
            except Exception as problem:  # one person's trouble must not end the page for others
                log.exception("%s failed", verb)
                answer["error"] = _unforeseen(problem)
            return {**_seen(desk), **answer}

    def wait(self, asked: Any) -> dict[str, Any]:
        """{"token", "serial"} -> {"view"} as soon as it is a newer one, or after a while."""
        try:
            desk = self.desks.find(asked.get("token") if isinstance(asked, dict) else "")
        except VidmemError as problem:
            return {"error": str(problem), "gone": True}
        serial = asked.get("serial")
        with desk.news:
            desk.news.wait_for(lambda: desk.serial != serial, PATIENCE)
        with desk.lock:
            return GONE if desk.closed else _seen(desk)

    def alive(self, asked: Any) -> dict[str, Any]:
        """{"token"}: the page is still there."""
        try:
            self.desks.find(asked.get("token") if isinstance(asked, dict) else "")
        except VidmemError:
            return {"gone": True}
        return {}

    def camera(self, asked: Any) -> dict[str, Any]:
        """{"key", "picture", "clicks", …} -> what cameras.step gives back."""
        key = asked.get("key") if isinstance(asked, dict) else None
        if not isinstance(key, str) or not 8 <= len(key) <= 64:
            return {"error": "The page asked for something this server does not know. Reload it.", "stop": True}
        try:
            return self.cameras.step(key, asked)
        except UsageError as problem:
            return {"error": str(problem), "stop": True}
        except VidmemError as problem:
            return {"error": str(problem)}
        except Exception as problem:
            log.exception("camera failed")
            return {"error": _unforeseen(problem), "stop": True}

    def leave(self, token: str) -> None:
        """A tab was closed."""
        self.desks.leave(token)
        self.cameras.leave(token)

    def file(self, token: str, name: str) -> Path:
        """The download of that name. Raises InputError for any file that was not made for this person to download."""
        path = self.desks.find(token).downloads.get(name)
        if path is None or not path.is_file():
            raise InputError("There is no such file. Export again.")
        return path

    def _taken(self, desk: Desk, path: Any) -> Path:
        """An uploaded file, moved into the desk's folder under a name of ours. Nothing but an upload can be named."""
        found = Path(path) if isinstance(path, str) and "\0" not in path else None
        if found is None or not found.is_file() or found.is_symlink():
            raise InputError("The upload did not arrive. Choose the file again.")
        if not found.resolve().is_relative_to(self.uploads.resolve()):
            raise InputError("The upload did not arrive. Choose the file again.")
        place = desk.folder / f"upload-{secrets.token_hex(6)}.upload"
        found.rename(place)
        return place


def _seen(desk: Desk) -> dict[str, Any]:
    """The view; of the first frame, with the reason, where the frame that is meant cannot be shown."""
    try:
        return {"view": view(desk)}
    except VidmemError as problem:  # the frame cannot be read: a video may promise more than it has
        desk.frame = 0
        return {"error": _without_paths(str(problem), desk), "view": view(desk)}


def _without_paths(words: str, desk: Desk) -> str:
    return words.replace(f"{desk.folder}/", "").replace(str(desk.folder), "the folder")


def _unforeseen(problem: Exception) -> str:
    if "memory" in str(problem).lower() and ("CUDA" in str(problem) or isinstance(problem, MemoryError)):
        return "The server ran out of memory. Follow fewer objects, or choose a smaller model."
    return f"Something went wrong on the server ({type(problem).__name__}). Your work is as it was before."
