"""`vidmem needle`: an odd second in a long video, and whether it is found."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidmem.cli import companion_options as with_companion
from vidmem.cli import options
from vidmem.errors import InputError, UsageError

if TYPE_CHECKING:
    from vidmem.needle.needles import Needle, Riddle
    from vidmem.needle.plan import Cell
    from vidmem.needle.trial import Found

app = typer.Typer(no_args_is_help=True, help="Needle in a video haystack: make it, and look for it.")

Hay = Annotated[
    list[str], typer.Argument(metavar="HAY...", help="Videos the haystack is made of, one after the other.")
]
KindOf = Annotated[str, typer.Option("--kind", help="The needle: text, image, clip.")]
FileOf = Annotated[Path | None, typer.Option("--needle", help="Your own picture or clip; a drawn one when left out.")]
Line = Annotated[str | None, typer.Option("--line", help="The line of a needle of text.")]
Question = Annotated[str | None, typer.Option("--question", help="What is asked, for your own needle.")]
Keywords = Annotated[str | None, typer.Option("--keywords", help="Words of a right answer, comma-separated.")]
Longest = Annotated[int, typer.Option("--longest", help="Seconds of the longest haystack.")]
Lengths = Annotated[int, typer.Option("--lengths", help="How many lengths.")]
Depths = Annotated[int, typer.Option("--depths", help="How many depths.")]
Out = Annotated[Path, typer.Option("--out", help="Where results go.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the results of an earlier test.")]


@app.command("make")
def make(
    hay: Hay,
    kind: KindOf = "image",
    file: FileOf = None,
    line: Line = None,
    longest: Longest = 320,
    lengths: Lengths = 4,
    depths: Depths = 3,
    out: Out = Path("runs/needle-videos"),
    overwrite: Overwrite = False,
) -> None:
    """Write the haystacks as videos, 5 frames a second, with a list of what lies where."""
    needle, cells = _needle(kind, file, line), _cells(longest, lengths, depths)
    _make_room(out, overwrite)

    from vidmem.needle.haystack import Haystack
    from vidmem.saving import make_folder, replacing
    from vidmem.video_file import VideoFile

    make_folder(out)
    listed = []
    for cell in cells:
        stack, name = Haystack(hay, cell, needle), f"{cell.length:04d}s-{cell.depth:03d}.mp4"
        video = VideoFile(out / name)
        for frame in stack:
            video.write(frame.image.permute(1, 2, 0).numpy(), frame.time)
        video.close()
        listed.append({"file": name, **asdict(cell), "needle_second": stack.needle_second, "seconds": stack.seconds})
        typer.echo(f"{out / name}   needle at {stack.needle_second} s of {stack.seconds}")
    riddle = asdict(needle.riddle) if needle.riddle else {"question": None, "keywords": []}
    facts = {"kind": kind, **riddle, "cells": listed}
    with replacing(out / "needles.json") as written:
        written.write((json.dumps(facts, indent=1) + "\n").encode())
    typer.echo(f"wrote {out}/   {len(cells)} videos  needles.json")


@app.command("rank")
def rank(
    hay: Hay,
    kind: KindOf = "image",
    file: FileOf = None,
    line: Line = None,
    longest: Longest = 320,
    lengths: Lengths = 40,
    depths: Depths = 12,
    encoder: with_companion.Encoder = "colour",
    cache: with_companion.Cache = "surprise",
    keep: with_companion.Keep = 16,
    out: Out = Path("runs/needle"),
    overwrite: Overwrite = False,
    as_json: options.AsJson = False,
) -> None:
    """Without a language model: at which place an encoder finds the needle among what a cache keeps."""
    from vidmem.bridges import policies

    needle, cells = _needle(kind, file, line), _cells(longest, lengths, depths)
    _make_room(out, overwrite)
    policy = policies[cache]() if cache == "everything" else policies[cache](keep=keep)

    from vidmem.cuts.detect import make_encoder
    from vidmem.needle.trial import by_rank

    found = by_rank(hay, cells, needle, make_encoder(encoder), policy)
    _report(found, out, f"{kind} needle, {encoder}, {cache}" + ("" if cache == "everything" else f" {keep}"), as_json)


@app.command("ask")
def ask(
    hay: Hay,
    model: with_companion.ModelFolder,
    kind: KindOf = "image",
    file: FileOf = None,
    line: Line = None,
    question: Question = None,
    keywords: Keywords = None,
    longest: Longest = 320,
    lengths: Lengths = 8,
    depths: Depths = 4,
    bridge: with_companion.Bridge = None,
    cache: with_companion.Cache = "merge",
    keep: with_companion.Keep = 16,
    reads: with_companion.Reads = None,
    encoder: with_companion.Encoder = "colour",
    tokens: with_companion.Tokens = 64,
    device: options.Device = "auto",
    out: Out = Path("runs/needle"),
    overwrite: Overwrite = False,
    as_json: options.AsJson = False,
) -> None:
    """With a vision language model: whether its answer holds the keywords."""
    needle, cells = _needle(kind, file, line, _riddle(question, keywords)), _cells(longest, lengths, depths)
    if needle.riddle is None:
        raise UsageError("A needle of your own needs a --question and its --keywords.")
    _make_room(out, overwrite)
    if not Path(model).is_dir():
        raise InputError(f"{model} is no folder with a stored model. Without one, use `vidmem needle rank`.")
    watcher = with_companion.make_watcher(model, bridge, cache, keep, encoder, 1024, reads, tokens, device)

    from vidmem.needle.trial import by_words

    _report(by_words(hay, cells, needle, lambda: watcher), out, f"{kind} needle, {Path(model).name}", as_json)


def _needle(kind: str, file: Path | None, line: str | None, riddle: Riddle | None = None) -> Needle:
    from vidmem.needle.needles import LINE, make_needle

    if line is not None and kind != "text":
        raise UsageError("--line belongs to --kind text.")
    return make_needle(kind, file, line or LINE, riddle)


def _riddle(question: str | None, keywords: str | None) -> Riddle | None:
    from vidmem.needle.needles import Riddle

    if (question is None) != (keywords is None):
        raise UsageError("--question and --keywords belong together.")
    if question is None or keywords is None:
        return None
    return Riddle(question, tuple(each.strip() for each in keywords.split(",") if each.strip()))


def _cells(longest: int, lengths: int, depths: int) -> list[Cell]:
    from vidmem.needle.plan import Grid

    return Grid(longest, lengths, depths).cells()


def _report(found: Iterable[Found], out: Path, title: str, as_json: bool) -> None:
    """Writes cells.json and heat.png, and tells the mean."""
    from vidmem.needle.heat import draw_heat
    from vidmem.saving import make_folder, replacing

    done = []
    for each in found:
        done.append(each)
        if not as_json and len(done) % 20 == 0:
            typer.echo(f"{len(done)} cells, mean score {sum(each.score for each in done) / len(done):.3f}")
    make_folder(out)
    mean = sum(each.score for each in done) / len(done)
    facts = {"title": title, "mean": round(mean, 4), "cells": [asdict(each) for each in done]}
    with replacing(out / "cells.json") as file:
        file.write((json.dumps(facts, indent=1) + "\n").encode())
    draw_heat(done, out / "heat.png", title)
    typer.echo(
        json.dumps(facts)
        if as_json
        else f"{len(done)} cells, mean score {mean:.3f}\nwrote {out}/   cells.json  heat.png"
    )


def _make_room(out: Path, overwrite: bool) -> None:
    if out.is_dir() and any(out.iterdir()) and not overwrite:
        raise InputError(f"{out} is not empty. Add --overwrite to replace what is in it, or choose another --out.")
