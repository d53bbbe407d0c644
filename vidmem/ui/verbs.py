"""All that a browser may ask of a desk: a table of verbs."""

from __future__ import annotations

from collections.abc import Callable

from vidmem.errors import InputError
from vidmem.ui import exports, saved, work
from vidmem.ui.desk import Chosen, Desk
from vidmem.ui.fields import Asked, frame_of, uploaded, whole
from vidmem.ui.marking import box, clear, click, keep, mask, paint, stroke
from vidmem.ui.sample import SAMPLE, sample, set_click
from vidmem.ui.settings import changed
from vidmem.ui.uploads import admit


def seek(desk: Desk, asked: Asked) -> None:
    """Show another frame."""
    frame = frame_of(desk, asked)
    desk.read(frame)
    desk.frame, desk.follows = frame, False
    desk.changed()


def follow(desk: Desk, asked: Asked) -> None:
    """Show the frame that is being tracked, again and again."""
    desk.follows = True
    desk.changed()


def select(desk: Desk, asked: Asked) -> None:
    """The object that is marked next; one that is not there yet begins with its first mark."""
    object_id = whole(asked, "object", 1, 10**6)
    if object_id not in desk.work.objects and object_id != desk.free_object():
        raise InputError(f"There is no object {object_id}.")
    desk.selected = object_id
    desk.changed()


def look(desk: Desk, asked: Asked) -> None:
    """Another name, another colour, shown or hidden."""
    name, colour, hidden = asked.get("name"), asked.get("colour"), asked.get("hidden")
    if not all(each is None or isinstance(each, str) for each in (name, colour)) or hidden not in (None, True, False):
        raise InputError("A name and a colour are words, hidden is yes or no.")
    object_id = whole(asked, "object", 1, 10**6)
    what = "rename" if name is not None else "recolour" if colour is not None else "hide" if hidden else "show"
    desk.did(what, work.relooked(desk.work, object_id, name, colour, hidden))


def delete(desk: Desk, asked: Asked) -> None:
    """An object with all that was said and answered of it."""
    object_id = whole(asked, "object", 1, 10**6)
    desk.stop()
    name = desk.work.look(object_id).name
    desk.did("delete", work.removed(desk.work, object_id))
    desk.selected = desk.work.objects[0] if desk.work.objects else desk.free_object()
    desk.changed(f"Deleted {name}. Undo brings it back.")


def undo(desk: Desk, asked: Asked) -> None:
    desk.stop()
    what = desk.history.undoes
    desk.history = desk.history.undo()
    _stepped(desk, f"Took back: {what}.")


def redo(desk: Desk, asked: Asked) -> None:
    desk.stop()
    what = desk.history.redoes
    desk.history = desk.history.redo()
    _stepped(desk, f"Did again: {what}.")


def track(desk: Desk, asked: Asked) -> None:
    direction = asked.get("direction")
    if direction not in ("forwards", "backwards", "both"):
        raise InputError("A direction is forwards, backwards or both.")
    desk.track(direction)


def stop(desk: Desk, asked: Asked) -> None:
    desk.stop()


def tracker(desk: Desk, asked: Asked) -> None:
    """Another tracker, model or settings."""
    name, model, given = asked.get("tracker"), asked.get("model"), asked.get("settings") or {}
    if not isinstance(name, str) or not isinstance(model, str) or not isinstance(given, dict):
        raise InputError("A tracker and a model are chosen by name, settings by name and value.")
    desk.trackers.get(name, model)  # unknown names are told first
    chosen = Chosen(name, model, tuple(sorted(changed(name, given).items())))
    if chosen != desk.chosen:
        desk.choose(chosen)
        again = " Track again to see what it does." if desk.work.objects else ""
        desk.changed(f"Now remembering with {desk.trackers.cards[name]['title'] or name}.{again}")


def video(desk: Desk, asked: Asked) -> None:
    """An uploaded video in place of the present one."""
    path = uploaded(desk, asked)
    name = str(asked.get("name", "video"))
    try:
        desk.check_space()
    except InputError:
        path.unlink(missing_ok=True)
        raise
    source, placed = admit(path, name, desk.limits)
    desk.lay(source, name, placed)
    height, width = desk.clip.size
    desk.changed(f"{name}: {desk.clip.frames} frames of {width} x {height}. Click on what to follow.")


def sample_clip(desk: Desk, asked: Asked) -> None:
    """The bundled clip again, with its click."""
    source, name = sample()
    desk.lay(source, name)
    set_click(desk)


def export(desk: Desk, asked: Asked) -> None:
    """The answers in the formats that are ticked, as one archive."""
    formats = asked.get("formats")
    if not isinstance(formats, list) or not all(isinstance(each, str) for each in formats):
        raise InputError("Tick at least one format.")
    desk.stop()
    desk.check_space()
    path, frames = exports.export(desk, formats)
    desk.downloads = {**desk.downloads, path.name: path}
    desk.changed(f"Exported {frames} frames to {path.name}.")


def save(desk: Desk, asked: Asked) -> None:
    """All of the work in one file, to go on another day."""
    desk.stop()
    desk.check_space()
    path = saved.save(desk)
    desk.downloads = {**desk.downloads, path.name: path}
    desk.changed(f"Saved to {path.name}. Download it, and open it here another day.")


def reopen(desk: Desk, asked: Asked) -> None:
    path = uploaded(desk, asked)
    try:
        saved.reopen(desk, path, str(asked.get("name", "the file")))
    finally:
        path.unlink(missing_ok=True)


def _stepped(desk: Desk, note: str) -> None:
    if desk.selected not in desk.work.objects:
        desk.selected = desk.work.objects[0] if desk.work.objects else desk.free_object()
    desk.changed(note)


VERBS: dict[str, Callable[[Desk, Asked], None]] = {
    "open": lambda desk, asked: None,
    "seek": seek,
    "follow": follow,
    "select": select,
    "click": click,
    "box": box,
    "stroke": stroke,
    "paint": paint,
    "mask": mask,
    "keep": keep,
    "clear": clear,
    "look": look,
    "delete": delete,
    "undo": undo,
    "redo": redo,
    "track": track,
    "stop": stop,
    "tracker": tracker,
    "video": video,
    SAMPLE: sample_clip,
    "export": export,
    "save": save,
    "reopen": reopen,
}
