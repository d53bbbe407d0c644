"""All that a browser may ask of a desk: a table of verbs. What comes in is checked here, field by field."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from vidmem.errors import InputError
from vidmem.results import annotate
from vidmem.ui import exports, saved, work
from vidmem.ui.desk import Chosen, Desk
from vidmem.ui.sample import SAMPLE, sample, set_click
from vidmem.ui.settings import changed
from vidmem.ui.uploads import open_video
from vidmem.values import Prompt

Asked = Mapping[str, Any]

STROKE_POINTS = 6  # a drawn line counts as so many points at the most


def seek(desk: Desk, asked: Asked) -> None:
    """Show another frame."""
    frame = _frame(desk, asked)
    desk.read(frame)
    desk.frame, desk.follows = frame, False
    desk.changed()


def follow(desk: Desk, asked: Asked) -> None:
    """Show the frame that is being tracked, again and again."""
    desk.follows = True
    desk.changed()


def select(desk: Desk, asked: Asked) -> None:
    """The object that is marked next; one that is not there yet begins with its first mark."""
    object_id = _whole(asked, "object", 1, 10**6)
    if object_id not in desk.work.objects and object_id != desk.free_object():
        raise InputError(f"There is no object {object_id}.")
    desk.selected = object_id
    desk.changed()


def click(desk: Desk, asked: Asked) -> None:
    """A point on the object, or off it."""
    point = _point(desk, asked["x"] if "x" in asked else None, asked["y"] if "y" in asked else None)
    label = _whole(asked, "label", 0, 1)
    prompt = Prompt(desk.selected, points=torch.tensor([point]), labels=torch.tensor([label]))
    _say(desk, _frame(desk, asked), prompt, "add a point" if label else "add a point off it")


def box(desk: Desk, asked: Asked) -> None:
    """A box around the object."""
    height, width = desk.clip.size
    x0, x1 = sorted((_number(asked, "x0"), _number(asked, "x1")))
    y0, y1 = sorted((_number(asked, "y0"), _number(asked, "y1")))
    x0, y0, x1, y1 = max(0.0, x0), max(0.0, y0), min(float(width), x1), min(float(height), y1)
    if x1 - x0 < 2 or y1 - y0 < 2:
        raise InputError("That box is too small. Drag from one corner of the object to the opposite one.")
    _say(desk, _frame(desk, asked), Prompt(desk.selected, box=torch.tensor([x0, y0, x1, y1])), "draw a box")


def stroke(desk: Desk, asked: Asked) -> None:
    """A scribble along the object, or along what is not the object: taken as several points."""
    label = _whole(asked, "label", 0, 1)
    chosen = along(_line(desk, asked), STROKE_POINTS)
    labels = torch.full((len(chosen),), label)
    _say(desk, _frame(desk, asked), Prompt(desk.selected, points=torch.from_numpy(chosen), labels=labels), "scribble")


def paint(desk: Desk, asked: Asked) -> None:
    """A brush stroke: adds to the object's mask in this frame, or erases from it. The mask is then the mark."""
    line = _line(desk, asked)
    radius = _number(asked, "radius")
    if not 0.5 <= radius <= max(desk.clip.size) / 4:
        raise InputError("The brush is too small or too large for this picture.")
    frame = _frame(desk, asked)
    desk.stop()
    before = desk.work.session.kept.asked.get(frame, {}).get(desk.selected)
    if before is not None and before.prompt.mask is not None:
        painted = before.prompt.mask.cpu().numpy()
    else:
        found = desk.shelf.get(desk.work.results, frame).objects.get(desk.selected)
        painted = np.zeros(desk.clip.size, bool) if found is None else found.mask
    erases = asked.get("erase") is True
    touched = brushed(line, radius, desk.clip.size)
    painted = painted & ~touched if erases else painted | touched
    if not painted.any():
        raise InputError("Nothing of the mask is left. Undo, or press Clear marks instead.")
    prompt = Prompt(desk.selected, mask=torch.from_numpy(painted.copy()))
    _say(desk, frame, prompt, "erase with the brush" if erases else "paint with the brush")


def mask(desk: Desk, asked: Asked) -> None:
    """A painted mask from a file. Its ids become objects; one id alone is the selected object."""
    path = _uploaded(desk, asked)
    try:
        for prompt in exports.prompts_of_mask(path, desk.clip.size, desk.selected, asked.get("name", "the mask")):
            _say(desk, _frame(desk, asked), prompt, "upload a mask")
    finally:
        path.unlink(missing_ok=True)


def keep(desk: Desk, asked: Asked) -> None:
    """The mask that is shown becomes a prompt: it is pinned in memory and stays."""
    frame = _frame(desk, asked)
    desk.stop()
    annotation = desk.shelf.get(desk.work.results, frame)
    found = annotation.objects.get(desk.selected)
    if found is None or not found.mask.any():
        raise InputError("There is no mask of this object in this frame to keep. Track, or mark it, first.")
    _say(desk, frame, Prompt(desk.selected, mask=torch.from_numpy(found.mask)), "keep this mask")


def clear(desk: Desk, asked: Asked) -> None:
    """Take back all that was said of the selected object in this frame."""
    frame = _frame(desk, asked)
    desk.stop()
    desk.did("clear the marks", work.unsaid(desk.work, frame, desk.selected))


def look(desk: Desk, asked: Asked) -> None:
    """Another name, another colour, shown or hidden."""
    name, colour, hidden = asked.get("name"), asked.get("colour"), asked.get("hidden")
    if not all(each is None or isinstance(each, str) for each in (name, colour)) or hidden not in (None, True, False):
        raise InputError("A name and a colour are words, hidden is yes or no.")
    object_id = _whole(asked, "object", 1, 10**6)
    what = "rename" if name is not None else "recolour" if colour is not None else "hide" if hidden else "show"
    desk.did(what, work.relooked(desk.work, object_id, name, colour, hidden))


def delete(desk: Desk, asked: Asked) -> None:
    """An object with all that was said and answered of it."""
    object_id = _whole(asked, "object", 1, 10**6)
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
    path = _uploaded(desk, asked)
    name = str(asked.get("name", "video"))
    try:
        desk.check_space()
        with desk.turns.taken():
            source = open_video(path, name, desk.limits)
    except BaseException:
        for left in path.parent.glob(path.stem + ".*"):
            left.unlink(missing_ok=True)
        raise
    placed = next(each for each in path.parent.glob(path.stem + ".*"))
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
    path = _uploaded(desk, asked)
    try:
        saved.reopen(desk, path, str(asked.get("name", "the file")))
    finally:
        path.unlink(missing_ok=True)


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


def along(points: np.ndarray, most: int) -> np.ndarray:
    """At most so many of (P, 2) points of a line, evenly far apart along it, its ends among them."""
    steps = np.hypot(*np.diff(points, axis=0).T) if len(points) > 1 else np.zeros(0)
    way = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0, way[-1], min(most, max(1, 1 + int(way[-1] // 12))))
    nearest = np.unique(np.abs(way[None] - wanted[:, None]).argmin(1))
    return points[nearest].astype(np.float32)


def brushed(line: np.ndarray, radius: float, size: tuple[int, int]) -> np.ndarray:
    """(H, W) bool: what a round brush touches on its way along (P, 2) points."""
    canvas = Image.new("1", (size[1], size[0]))
    pen = ImageDraw.Draw(canvas)
    points = [(float(x), float(y)) for x, y in line]
    if len(points) > 1:
        pen.line(points, fill=1, width=max(1, round(2 * radius)), joint="curve")
    for x, y in (points[0], points[-1]):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)
    return np.array(canvas)


def _say(desk: Desk, frame: int, prompt: Prompt, what: str) -> None:
    """Gives a prompt to the session; the answer is there when this returns."""
    desk.stop()
    _check_room(desk, frame, prompt)
    with desk.turns.taken():
        session, answer = desk.work.session.prompt(frame, prompt)
    desk.did(what, work.said(desk.work, session, frame, desk.shelf.put(annotate(answer))))
    desk.frame, desk.follows = frame, True
    desk.changed("")


def _check_room(desk: Desk, frame: int, prompt: Prompt) -> None:
    asked, limits = desk.work.session.kept.asked, desk.limits
    objects = desk.work.objects
    if prompt.object_id not in objects and len(objects) >= limits.objects:
        raise InputError(f"There are {limits.objects} objects, as many as this page follows. Delete one first.")
    if sum(map(len, asked.values())) >= limits.prompts and prompt.object_id not in asked.get(frame, {}):
        raise InputError(f"Objects were marked {limits.prompts} times, as often as this page keeps. Clear some marks.")
    before = asked.get(frame, {}).get(prompt.object_id)
    points = 0 if before is None or before.prompt.points is None else len(before.prompt.points)
    if prompt.points is not None and points + len(prompt.points) > limits.points:
        raise InputError(
            f"{desk.work.look(prompt.object_id).name} has {points} points in this frame, and {limits.points} are the "
            "most. Undo some, or draw a box or upload a mask instead."
        )


def _stepped(desk: Desk, note: str) -> None:
    if desk.selected not in desk.work.objects:
        desk.selected = desk.work.objects[0] if desk.work.objects else desk.free_object()
    desk.changed(note)


def _frame(desk: Desk, asked: Asked) -> int:
    frame = _whole(asked, "frame", 0, 10**9) if "frame" in asked else desk.frame
    if frame >= desk.clip.frames:
        raise InputError(f"{desk.clip.name} has no frame {frame}: it ends with frame {desk.clip.frames - 1}.")
    return frame


def _line(desk: Desk, asked: Asked) -> np.ndarray:
    """(P, 2) points of a line in the picture."""
    line = asked.get("line")
    whole = isinstance(line, list) and 1 <= len(line) <= 5000
    if not whole or not all(isinstance(each, list) and len(each) == 2 for each in line or ()):
        raise InputError("That line has no points. Draw it on the picture.")
    return np.array([_point(desk, x, y) for x, y in line or ()])


def _point(desk: Desk, x: Any, y: Any) -> list[float]:
    height, width = desk.clip.size
    x, y = _number({"x": x}, "x"), _number({"y": y}, "y")
    if not (0 <= x < width and 0 <= y < height):
        raise InputError(f"The point {x:.0f}, {y:.0f} lies outside the picture, which is {width} x {height}.")
    return [x, y]


def _number(asked: Asked, name: str) -> float:
    value = asked.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InputError(f"{name} must be a number.")
    return float(value)


def _whole(asked: Asked, name: str, least: int, most: int) -> int:
    value = _number(asked, name)
    if value != int(value) or not least <= value <= most:
        raise InputError(f"{name} must be a whole number from {least} to {most}.")
    return int(value)


def _uploaded(desk: Desk, asked: Asked) -> Any:
    """The file that was uploaded for this very call; page.py has moved it into the desk's folder."""
    path = asked.get("file")
    if path is None:
        raise InputError("No file came with that. Choose one first.")
    return path
