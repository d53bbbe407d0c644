"""Options that several verbs share, and how their texts become values."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vidmem.asked import Saying, parse
from vidmem.errors import InputError, UsageError

if TYPE_CHECKING:
    from vidmem.frames import Source

Masks = Annotated[
    list[str],
    typer.Option(
        "--mask", metavar="[ID@]FRAME:FILE", help="A painted mask; an index PNG may hold several objects. Repeatable."
    ),
]
Boxes = Annotated[
    list[str],
    typer.Option(
        "--box",
        metavar="[ID@]FRAME:x0,y0,x1,y1",
        help="A box in pixels. Repeatable; each without an ID begins a new object.",
    ),
]
Points = Annotated[
    list[str],
    typer.Option(
        "--point",
        metavar="[ID@]FRAME:x,y[,neg]",
        help="A click on the object, or off it with ,neg. Repeatable. FRAME may be a time: 12.5s.",
    ),
]
Prompts = Annotated[Path | None, typer.Option("--prompts", metavar="FILE.json", help="Prompts from a file.")]
TrackerName = Annotated[str, typer.Option("--tracker", help="A card of `vidmem trackers`, or a path to one.")]
ModelName = Annotated[str, typer.Option("--model", help="A name of `vidmem models list`, or a path to a checkpoint.")]
DetectorName = Annotated[
    str,
    typer.Option("--detector", help="A card of configs/detectors/, or a path to one: mamba, selsa, window, single, …"),
]
DetectorModel = Annotated[
    str, typer.Option("--model", help="nano-detector, which ships, or a detector.safetensors of `vidmem train`.")
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")]
Precision = Annotated[
    str | None,
    typer.Option(
        "--precision",
        help="exact (float32), fast (bfloat16) or auto: fast where this processor and model gain by it. nano is exact.",
    ),
]
Emit = Annotated[
    str | None,
    typer.Option(
        "--emit",
        help="When a tracker with several pasts answers: best (at once), lag (--lag frames later), commit (as soon as "
        "all its pasts agree).",
    ),
]
Lag = Annotated[int | None, typer.Option("--lag", help="Frames an answer may be held back; alone it means --emit lag.")]
Settings = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="PART.OPTION=VALUE",
        help="Change one number of the card, for example bank.max_prompts=8 or model.image_size=512. Repeatable.",
    ),
]
Counting = Annotated[
    list[str],
    typer.Option(
        "--protocol",
        metavar="OPTION=VALUE",
        help="Change how the data set's protocol counts, for example form=pytracking on LaSOT. Repeatable.",
    ),
]
Formats = Annotated[
    str, typer.Option("--formats", help="Comma-separated: png, object-png, rle, ytvos, csv, parquet, mp4.")
]
Reader = Annotated[str, typer.Option("--reader", help="What decodes video files: pyav, opencv, decord, torchcodec.")]
OnDamage = Annotated[
    str, typer.Option("--on-damage", help="At a damaged place: stop (keep what came before, say so) or skip it.")
]
Overlap = Annotated[bool, typer.Option("--overlap/--no-overlap", help="Whether objects may share pixels.")]
Frames = Annotated[int | None, typer.Option("--frames", min=1, help="Stop after so many frames.")]
Every = Annotated[int, typer.Option("--every", min=1, help="Take one frame of so many.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the results of an earlier run.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


def sayings_of(
    source: str, masks: Sequence[str], boxes: Sequence[str], points: Sequence[str], prompts: Path | None
) -> list[Saying]:
    """What was said of the source; a drawn clip has a box of its own when nothing is."""
    if not (masks or boxes or points or prompts) and source.startswith("demo:"):
        from vidmem.frames.demo import box_of

        boxes = [box_of(source)]
    return parse(masks, boxes, points, prompts)


def settings_of(texts: Sequence[str]) -> dict[str, Any]:
    """{"bank.frames": 4} from ["bank.frames=4"]. A value is read as TOML; what is no TOML is taken as a word."""
    return _assignments(texts, "--set", "PART.OPTION=VALUE, for example --set bank.max_prompts=8")


def counting_of(texts: Sequence[str]) -> dict[str, Any]:
    """{"form": "pytracking"} from ["form=pytracking"], as `settings_of`."""
    return _assignments(texts, "--protocol", "OPTION=VALUE, for example --protocol form=pytracking")


def _assignments(texts: Sequence[str], option: str, form: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise UsageError(f"{option} {text} is not of the form {form}.")
        try:
            found[name] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[name] = value
    return found


def with_emission(settings: dict[str, Any], emit: str | None, lag: int | None) -> dict[str, Any]:
    """The settings with what --emit and --lag say. The loop refuses what is none."""
    if emit is None and lag is not None:
        emit = "lag"
    said = {"loop.emit": emit, "loop.lag": lag}
    return {**settings, **{name: value for name, value in said.items() if value is not None}}


def with_precision(settings: dict[str, Any], precision: str | None) -> dict[str, Any]:
    """The settings with what --precision says. The model refuses what is none."""
    return settings if precision is None else {**settings, "model.precision": precision}


def formats_of(text: str) -> list[str]:
    """The names in a comma-separated list, each checked against the table of writers."""
    from vidmem.writers import writers

    chosen = [each.strip() for each in text.split(",") if each.strip()]
    for each in chosen:
        _ = writers[each]  # an unknown name is told before anything is read
    if not chosen:
        raise UsageError(f"--formats names none. Known: {', '.join(writers)}.")
    return chosen


def mode_of(overwrite: bool, resume: bool) -> Literal["new", "overwrite", "resume"]:
    """What becomes of an earlier run in the folder."""
    if overwrite and resume:
        raise UsageError(
            "--overwrite and --resume exclude each other: the one replaces a run, the other goes on with it."
        )
    return "resume" if resume else "overwrite" if overwrite else "new"


def check_on_damage(value: str) -> Literal["stop", "skip"]:
    if value == "stop" or value == "skip":
        return value
    raise UsageError(f"--on-damage {value!r} is not known. It is stop or skip.")


def video_of(folder: Path, source: str | None) -> Source:
    """The video a run was made of, read as the run read it; `source` where it no longer lies where it lay.

    Raises InputError for one that cannot be read a second time.
    """
    from vidmem.frames import watch
    from vidmem.runlog import RunLog

    facts = RunLog.about(folder)
    named = source or facts.get("source")
    if named is None:
        raise InputError(f"{folder} does not say which video it was made of. Name it with --source.")
    video = watch(named, every=facts.get("every", 1), reader=facts.get("reader", "pyav"), on_damage="skip")
    if not video.seekable:
        video.close()
        raise InputError(f"{video.name} cannot be read a second time. Name a recording of it with --source.")
    return video


def fresh_folder(verb: str, source: str) -> Path:
    """runs/VERB/NAME-N, the first N that is free."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(source.rstrip("/")).stem or "source").strip("-.") or "source"
    number = 1
    while (Path("runs") / verb / f"{name}-{number}").exists():
        number += 1
    return Path("runs") / verb / f"{name}-{number}"
