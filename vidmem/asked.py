"""What is asked of a video, in text: `--mask 0:first.png`, `--box 2@0:10,20,80,90`, `--point 12.5s:420,260,neg`.

Parsed without torch and without looking at any video, so that a slip is told at once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vidmem.errors import InputError, UsageError

MOST_ID = 2**31 - 1  # pictures of ids hold 32 bits


@dataclass(frozen=True)
class Saying:
    """One prompt as it was written."""

    object_id: int | None  # None: not named yet
    frame: int | None  # the frame's index, or
    seconds: float | None  # its time
    mask: Path | None = None
    box: tuple[float, float, float, float] | None = None
    point: tuple[float, float, int] | None = None  # x, y, 1 on the object or 0 off it
    text: str = ""  # as it was written, for messages

    def meant_for(self, index: int, time: float) -> bool:
        """Whether a frame is the one that is meant. A time means the first frame not before it."""
        return (
            index == self.frame if self.frame is not None else self.seconds is not None and time >= self.seconds - 1e-6
        )


def parse(masks: Sequence[str], boxes: Sequence[str], points: Sequence[str], file: Path | None = None) -> list[Saying]:
    """All prompts of a command line, each object named. Raises UsageError, naming the text that is wrong.

    A box without an id begins a new object. Points without an id belong to the one object there is. A mask without an
    id brings the ids it is painted with (object_id stays None until it is read).
    """
    said = [
        *(_parse(text, "--mask") for text in masks),
        *(_parse(text, "--box") for text in boxes),
        *(_parse(text, "--point") for text in points),
        *(_read(file) if file else ()),
    ]
    if not said:
        raise UsageError(
            "Nothing says what to follow. Add --box FRAME:x0,y0,x1,y1, --point FRAME:x,y or --mask FRAME:FILE.png, "
            "for example --box 0:120,80,260,400."
        )
    return _name(said)


def _parse(text: str, option: str) -> Saying:
    head, colon, rest = text.partition(":")
    named, at, when = head.rpartition("@")
    form = {
        "--mask": "[ID@]FRAME:FILE.png",
        "--box": "[ID@]FRAME:x0,y0,x1,y1",
        "--point": "[ID@]FRAME:x,y[,neg]",
    }[option]
    try:
        if not colon or not rest:
            raise ValueError("there is no FRAME: before it" if not colon else "nothing stands behind the colon")
        object_id = int(named) if at else None
        seconds = float(when[:-1]) if when.endswith("s") else None
        frame = int(when) if seconds is None else None
        base = _checked(Saying(object_id, frame, seconds, text=f"{option} {text}"))
        if option == "--mask":
            return replace(base, mask=Path(rest))
        numbers = rest.split(",")
        if option == "--box":
            return replace(base, box=_box([float(each) for each in numbers]))
        negative = numbers[-1].strip() == "neg"
        return replace(
            base, point=_point([float(each) for each in (numbers[:-1] if negative else numbers)], not negative)
        )
    except ValueError as problem:
        raise UsageError(f"{option} {text} is not of the form {form} ({problem}).") from problem


def _checked(saying: Saying) -> Saying:
    """Raises ValueError for a number that no object, frame or time has."""
    if saying.object_id is not None and not 1 <= saying.object_id <= MOST_ID:
        raise ValueError(f"object ids begin at 1 and end at {MOST_ID}, got {saying.object_id}")
    if (saying.frame or 0) < 0 or not 0 <= (saying.seconds or 0) < math.inf:
        raise ValueError("frames are counted from 0, and time from 0 seconds")
    return saying


def _point(numbers: Sequence[float], label: int) -> tuple[float, float, int]:
    if len(numbers) != 2 or not all(map(math.isfinite, numbers)):
        raise ValueError(f"a point has two numbers, x and y, got {', '.join(f'{each:g}' for each in numbers)}")
    if label not in (0, 1):
        raise ValueError(f"the third number of a point is 1 on the object or 0 off it, got {label}")
    return numbers[0], numbers[1], int(label)


def _box(numbers: Sequence[float]) -> tuple[float, float, float, float]:
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise ValueError(f"a box has four numbers, got {', '.join(f'{each:g}' for each in numbers)}")
    x0, y0, x1, y1 = numbers
    if x1 <= x0 or y1 <= y0:
        raise ValueError(f"x1 must be above x0 and y1 above y0, got {x0:g},{y0:g},{x1:g},{y1:g}")
    return x0, y0, x1, y1


def _read(file: Path) -> list[Saying]:
    """Prompts in JSON: [{"frame": 0, "object": 1, "box": [x0, y0, x1, y1]}, {"time": 2.5, "points": [[x, y, 1]]}, …]"""
    try:
        listed = json.loads(file.read_text())
    except OSError as problem:
        raise InputError(f"--prompts {file} cannot be read: {problem.strerror}.") from problem
    except json.JSONDecodeError as problem:
        raise InputError(f"--prompts {file} is no JSON: {problem.msg} in line {problem.lineno}.") from problem
    except UnicodeDecodeError as problem:
        raise InputError(f"--prompts {file} is no text, so no JSON. Name the file that lists the prompts.") from problem
    if not isinstance(listed, list):
        raise InputError(f"--prompts {file} must hold a list of prompts, it holds a {type(listed).__name__}.")
    return [
        saying for number, each in enumerate(listed) for saying in _from_json(each, f"{file}, prompt {number}", file)
    ]


def _from_json(given: Any, where: str, file: Path) -> list[Saying]:
    known = {"frame", "time", "object", "mask", "box", "points"}
    try:
        if not isinstance(given, dict):
            raise ValueError(f"a prompt is an object in braces, not {json.dumps(given)[:40]}")
        if unknown := set(given) - known:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
        if ("frame" in given) == ("time" in given):
            raise ValueError("give either frame or time")
        seconds = float(given["time"]) if "time" in given else None
        base = _checked(Saying(_whole(given, "object"), _whole(given, "frame"), seconds, text=where))
        said = [replace(base, mask=file.parent / given["mask"])] if "mask" in given else []
        said += [replace(base, box=_box([float(each) for each in given["box"]]))] if "box" in given else []
        for x, y, *label in given.get("points", ()):
            said.append(replace(base, point=_point([float(x), float(y)], label[0] if label else 1)))
        if not said:
            raise ValueError("it has neither mask nor box nor points")
    except (TypeError, ValueError) as problem:
        raise InputError(f"{where} cannot be used: {problem}.") from problem
    return said


def _whole(given: dict[str, Any], name: str) -> int | None:
    """The whole number of that name; None where there is none."""
    value = given.get(name)
    if name in given and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(f"{name} is {json.dumps(value)}; it is a whole number")
    return value


def _name(said: list[Saying]) -> list[Saying]:
    """Gives every box and point the object it belongs to."""
    taken = {each.object_id for each in said if each.object_id is not None}
    named = []
    for each in said:
        if each.box is not None and each.object_id is None:
            free = next(number for number in range(1, len(said) + len(taken) + 2) if number not in taken)
            taken.add(free)
            each = replace(each, object_id=free)
        named.append(each)
    painted = any(each.mask is not None and each.object_id is None for each in named)
    loose = [each for each in named if each.point is not None and each.object_id is None]
    if loose and (len(taken) > 1 or (painted and taken)):
        raise UsageError(
            f"{loose[0].text} does not say which object it is on, and there are several. "
            f"Put its number before it, for example 1@{loose[0].text.split()[-1]}."
        )
    only = next(iter(taken), 1)
    return [replace(each, object_id=only) if each in loose else each for each in named]
