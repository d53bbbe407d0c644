"""Tracks of many objects, made elsewhere, scored video by video: VIDEO.txt as MOTChallenge wants it handed in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vidmem.errors import InputError
from vidmem.metrics.boxes import Box
from vidmem.metrics.mot_challenge import NOT_ASKED, NOT_ASKED_MOT20, Marked, scored_of
from vidmem.videos import DetectionTruth, TrueBox, Video

Boxes = dict[int, Box]  # track id -> x0 y0 x1 y1 in pixels


def score_tracks(video: Video, protocol: Any, folder: Path) -> Any:
    """What a protocol of tracks says of `folder`/VIDEO.txt. Raises InputError for a file that does not fit."""
    truth = video.truth
    assert isinstance(truth, DetectionTruth)
    answered = read_tracks(folder / f"{video.name}.txt", video)
    not_asked = NOT_ASKED_MOT20 if video.name.startswith("MOT20") else NOT_ASKED
    frames = [
        scored_of(tuple(map(_marked, truth.boxes(name) or ())), answered.get(name, {}), not_asked)
        for name in video.frame_names
    ]
    return protocol.score((true for true, _ in frames), (answer for _, answer in frames), video.name)


def read_tracks(path: Path, video: Video) -> dict[str, Boxes]:
    """Frame's name -> its boxes. A line is frame,track,x,y,width,height and whatever more; frames count from 1."""
    boxes: dict[str, Boxes] = {}
    for number, line in _lines(path, video):
        parts = line.replace(",", " ").split()
        try:
            frame, track = int(float(parts[0])), int(float(parts[1]))
            x, y, width, height = (float(part) for part in parts[2:6])
        except (IndexError, ValueError) as error:
            raise InputError(f"{path}, line {number}: {line!r} is not frame,track,x,y,width,height.") from error
        if not 1 <= frame <= len(video):
            raise InputError(f"{path}, line {number}: frame {frame}, but {video.name} has frames 1 to {len(video)}.")
        here = boxes.setdefault(video.frame_names[frame - 1], {})
        if track in here:
            raise InputError(
                f"{path}, line {number}: track {track} is in frame {frame} twice. Give it one box a frame."
            )
        here[track] = (x, y, x + width, y + height)
    return boxes


def _lines(path: Path, video: Video) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text()
    except FileNotFoundError as error:
        raise InputError(f"There are no results of {video.name}: {path} is missing.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}). A line is frame,track,x,y,width,height.") from error
    return ((number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip())


def _marked(box: TrueBox) -> Marked:
    return Marked(box.track_id, box.box, box.class_id, "ignored" not in box.flags)
