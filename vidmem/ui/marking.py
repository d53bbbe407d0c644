"""Ways to mark an object in a frame: points, a box, a scribble, a brush, a mask from a file; and to take it back."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageDraw

from vidmem.errors import InputError
from vidmem.results import annotate
from vidmem.ui import exports, work
from vidmem.ui.approach import approached
from vidmem.ui.desk import Desk
from vidmem.ui.fields import Asked, frame_of, line_of, number, point_of, uploaded, whole
from vidmem.values import Prompt

STROKE_POINTS = 6  # a scribble counts as so many points at the most


def click(desk: Desk, asked: Asked) -> None:
    """A point on the object, or off it."""
    point = point_of(desk, asked["x"] if "x" in asked else None, asked["y"] if "y" in asked else None)
    label = whole(asked, "label", 0, 1)
    prompt = Prompt(desk.selected, points=torch.tensor([point]), labels=torch.tensor([label]))
    _say(desk, frame_of(desk, asked), prompt, "add a point" if label else "add a point off it")


def box(desk: Desk, asked: Asked) -> None:
    """A box around the object."""
    height, width = desk.clip.size
    x0, x1 = sorted((number(asked, "x0"), number(asked, "x1")))
    y0, y1 = sorted((number(asked, "y0"), number(asked, "y1")))
    x0, y0, x1, y1 = max(0.0, x0), max(0.0, y0), min(float(width), x1), min(float(height), y1)
    if x1 - x0 < 2 or y1 - y0 < 2:
        raise InputError("That box is too small. Drag from one corner of the object to the opposite one.")
    _say(desk, frame_of(desk, asked), Prompt(desk.selected, box=torch.tensor([x0, y0, x1, y1])), "draw a box")


def stroke(desk: Desk, asked: Asked) -> None:
    """A scribble along the object, or along what is not the object: taken as several points."""
    label = whole(asked, "label", 0, 1)
    chosen = along(line_of(desk, asked), STROKE_POINTS)
    labels = torch.full((len(chosen),), label)
    _say(desk, frame_of(desk, asked), Prompt(desk.selected, points=torch.from_numpy(chosen), labels=labels), "scribble")


def paint(desk: Desk, asked: Asked) -> None:
    """A brush stroke: adds to the object's mask in this frame, or erases from it. The mask is then the mark."""
    line = line_of(desk, asked)
    radius = number(asked, "radius")
    if not 0.5 <= radius <= max(desk.clip.size) / 4:
        raise InputError("The brush is too small or too large for this picture.")
    frame = frame_of(desk, asked)
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
    path = uploaded(desk, asked)
    try:
        for prompt in exports.prompts_of_mask(path, desk.clip.size, desk.selected, asked.get("name", "the mask")):
            _say(desk, frame_of(desk, asked), prompt, "upload a mask")
    finally:
        path.unlink(missing_ok=True)


def keep(desk: Desk, asked: Asked) -> None:
    """The mask that is shown becomes a prompt: it is pinned in memory and stays."""
    frame = frame_of(desk, asked)
    desk.stop()
    annotation = desk.shelf.get(desk.work.results, frame)
    found = annotation.objects.get(desk.selected)
    if found is None or not found.mask.any():
        raise InputError("There is no mask of this object in this frame to keep. Track, or mark it, first.")
    _say(desk, frame, Prompt(desk.selected, mask=torch.from_numpy(found.mask)), "keep this mask")


def clear(desk: Desk, asked: Asked) -> None:
    """Take back all that was said of the selected object in this frame."""
    frame = frame_of(desk, asked)
    desk.stop()
    desk.did("clear the marks", work.unsaid(desk.work, frame, desk.selected))


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
    session = approached(desk.work.session, frame, desk.turns)
    with desk.turns.taken():
        session, answer = session.prompt(frame, prompt)
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
