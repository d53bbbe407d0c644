"""What the browser is shown: the work of a desk as plain numbers, words and one picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vidmem.errors import VidmemError
from vidmem.ui.desk import Desk
from vidmem.ui.limits import in_words
from vidmem.ui.memory import remembered, with_pictures
from vidmem.ui.picture import as_url, shown
from vidmem.ui.results import UNKNOWN, VISIBLE, Results, runs
from vidmem.ui.work import Work, start_of

CURVE = 300  # points of a score curve: as many as a narrow page can show


def view(desk: Desk) -> dict[str, Any]:
    """All of the page. Called with the desk's lock held."""
    desk.harvest()
    job = desk.job
    work = desk.work
    results = job.results() if job else work.results
    live = desk.live if job and desk.follows else None
    if live:
        frame, annotation = live
        desk.frame = frame.index
    else:
        frame = desk.read(desk.frame)
        annotation = desk.shelf.get(results, desk.frame)
    hidden = {each for each in work.objects if work.look(each).hidden}
    return {
        "token": desk.token,
        "serial": desk.serial,
        "note": desk.note,
        "clip": {
            "name": desk.clip.name,
            "frames": desk.clip.frames,
            "width": desk.clip.size[1],
            "height": desk.clip.size[0],
            "rate": desk.clip.rate,
        },
        "frame": desk.frame,
        "time": round(frame.time, 3),
        "picture": as_url(shown(frame, annotation, work.colours(), hidden)),
        "marks": _marks(work, desk.frame, hidden),
        "objects": [_object(work, results, each, desk.frame) for each in work.objects],
        "selected": desk.selected,
        "fresh": desk.free_object(),
        "undo": desk.history.undoes,
        "redo": desk.history.redoes,
        "job": _job(desk),
        "plan": None if job else _plan(desk),
        "memory": _memory(desk, work),
        "weights": weights(dict(desk.weights)),
        "chosen": {"tracker": desk.chosen.tracker, "model": desk.chosen.model, "settings": dict(desk.chosen.settings)},
        "downloads": [
            {"name": name, "size": in_words(path.stat().st_size)}
            for name, path in desk.downloads.items()
            if path.is_file()
        ],
    }


def _object(work: Work, results: Results, object_id: int, frame: int) -> dict[str, Any]:
    look, rows = work.look(object_id), results.rows.get(object_id)
    row = results.at(frame).get(object_id)
    said = {
        "id": object_id,
        "name": look.name,
        "colour": look.colour,
        "hidden": look.hidden,
        "score": None if row is None else f"{row['score']:.2f}",
        "visible": None if row is None else bool(row["state"] == VISIBLE),
        "prompts": sorted(at for at, said in work.session.kept.asked.items() if object_id in said),
        "runs": [],
        "curve": [],
    }
    if rows is not None:
        said["runs"] = runs(rows["state"])
        said["curve"] = curve(rows)
    return said


def curve(rows: np.ndarray) -> list[tuple[int, float]]:
    """(frame, score) of at most CURVE answered frames; of a stretch that is drawn as one point, the least score."""
    known = np.flatnonzero(rows["state"] != UNKNOWN)
    if len(known) == 0:
        return []
    step = -(-len(known) // CURVE)
    points = []
    for start in range(0, len(known), step):
        part = known[start : start + step]
        least = part[int(rows["score"][part].argmin())]
        points.append((int(least), round(float(rows["score"][least]), 3)))
    return points


def weights(by_frame: Mapping[int, int]) -> dict[str, Any] | None:
    """Bytes remembered over the video, in at most CURVE points, the highest of a stretch for it. None: nothing yet."""
    frames = sorted(by_frame)
    if len(frames) < 2:
        return None
    step = -(-len(frames) // CURVE)
    stretches = [frames[start : start + step] for start in range(0, len(frames), step)]
    points = [(part[0], max(by_frame[each] for each in part)) for part in stretches]
    highest = max(by_frame.values())
    since = next(each for each in frames if by_frame[each] == highest)
    return {"points": points, "highest": highest, "words": in_words(highest), "since": since}


def _marks(work: Work, frame: int, hidden: set[int]) -> list[dict[str, Any]]:
    """The points and boxes said in a frame, in pixels of the video."""
    marks: list[dict[str, Any]] = []
    for object_id, asked in work.session.kept.asked.get(frame, {}).items():
        if object_id in hidden:
            continue
        colour, prompt = work.look(object_id).colour, asked.prompt
        if prompt.box is not None:
            marks.append({"box": prompt.box.tolist(), "colour": colour, "object": object_id})
        if prompt.points is not None and prompt.labels is not None:
            for (x, y), label in zip(prompt.points.tolist(), prompt.labels.tolist(), strict=True):
                marks.append({"x": x, "y": y, "label": int(label), "colour": colour, "object": object_id})
    return marks


def _job(desk: Desk) -> dict[str, Any] | None:
    if desk.job is None:
        return None
    now = desk.job.progress
    return {
        "direction": now.direction,
        "start": now.start,
        "frame": now.frame,
        "done": now.done,
        "total": now.total,
        "rate": round(now.rate, 1),
        "follows": desk.follows,
        "stopping": desk.job.stopping.is_set(),
    }


def _plan(desk: Desk) -> dict[str, int] | None:
    """Where a pass in each direction would begin."""
    if not desk.work.objects:
        return None
    return {each: start_of(desk.work, each, desk.frame) for each in ("forwards", "backwards", "both")}


def _memory(desk: Desk, work: Work) -> dict[str, Any] | None:
    """What is remembered of the selected object behind the frame that is shown."""
    try:
        memory = remembered(work, desk.state_at(desk.frame), desk.selected, desk.frame)
    except VidmemError:
        return None
    if memory is None:
        return None
    reel = None if desk.job else desk.reel
    memory = with_pictures(memory, desk.selected, desk.thumbnails, work, reel, desk.shelf)
    return {**memory, "bytes_in_words": in_words(memory["bytes"]), "object": desk.selected, "frame": desk.frame}
