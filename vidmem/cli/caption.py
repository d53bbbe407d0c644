"""`vidmem caption`: what each scene brought, told when it ends, from memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from vidmem.cli import companion_options as with_companion
from vidmem.cli import options
from vidmem.errors import InputError, UsageError

ENDINGS = (".srt", ".vtt", ".json")


def caption(
    source: Annotated[str, typer.Argument(help="A video, an address, a camera number, or recall:N, which is drawn.")],
    model: with_companion.ModelFolder = "recall",
    bridge: with_companion.Bridge = None,
    cache: with_companion.Cache = "merge",
    keep: with_companion.Keep = 16,
    reads: with_companion.Reads = None,
    prompt: Annotated[
        str | None, typer.Option("--prompt", help="What a language model is asked at scene ends.")
    ] = None,
    encoder: with_companion.Encoder = "colour",
    every: with_companion.Every = 1,
    longest: with_companion.Longest = 1024,
    tokens: with_companion.Tokens = 64,
    stream: Annotated[
        bool, typer.Option("--stream", help="One JSON line a scene, as soon as it ends; for a live source without end.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Subtitles: .srt, .vtt or .json.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --out.")] = False,
    frames: options.Frames = None,
    reader: options.Reader = "pyav",
    on_damage: options.OnDamage = "stop",
    device: options.Device = "auto",
) -> None:
    """Tell what each scene brought, at its end, without reading the past again."""
    damage = options.check_on_damage(on_damage)
    if out is not None and out.suffix not in ENDINGS:
        raise UsageError(f"--out {out} has no known ending. Known: {', '.join(ENDINGS)}.")
    if out is not None and stream:
        raise UsageError("--stream may run without end, so it writes no --out: redirect its lines into a file.")
    if out is not None and out.exists() and not overwrite:
        raise InputError(f"{out} is there already. Add --overwrite, or choose another --out.")

    from itertools import islice

    from vidmem.companions.watching import watched
    from vidmem.errors import DamagedSource
    from vidmem.recall.film import open_source

    watcher = with_companion.make_watcher(model, bridge, cache, keep, encoder, longest, reads, tokens, device, prompt)
    video = open_source(source, reader=reader, on_damage=damage, every=every)
    told, broken = [], None
    try:
        for before, after, scene in watched(watcher, islice(video, frames)):
            line = {
                "scene": scene.number,
                "first": scene.first,
                "last": scene.last,
                "start": round(scene.start, 3),
                "end": round(scene.end, 3),
                "text": watcher.companion.describe(before.memory, after.memory),
            }
            if stream:
                typer.echo(json.dumps({**line, "memory_bytes": after.nbytes}, ensure_ascii=False))
                continue
            told.append(line)
            typer.echo(f"{line['start']:9.2f} - {line['end']:<9.2f} {line['text']}")
    except DamagedSource as problem:
        broken = problem
    finally:
        video.close()
    if out is not None:
        from vidmem.saving import make_folder, replacing

        make_folder(out.parent)
        with replacing(out) as file:
            file.write(as_subtitles(told, out.suffix).encode())
        typer.echo(f"wrote {out}")
    if broken is not None:
        raise broken


def as_subtitles(told: list[dict[str, Any]], ending: str) -> str:
    """The captions as SubRip, WebVTT or JSON."""
    if ending == ".json":
        return json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    comma = "," if ending == ".srt" else "."
    blocks = [] if ending == ".srt" else ["WEBVTT\n"]
    for number, line in enumerate(told, start=1):
        span = f"{_clock(line['start'], comma)} --> {_clock(line['end'], comma)}"
        blocks.append(f"{number}\n{span}\n{line['text']}\n" if ending == ".srt" else f"{span}\n{line['text']}\n")
    return "\n".join(blocks)


def _clock(seconds: float, comma: str) -> str:
    thousandths = round(seconds * 1000)
    return (
        f"{thousandths // 3_600_000:02d}:{thousandths // 60_000 % 60:02d}:{thousandths // 1000 % 60:02d}"
        f"{comma}{thousandths % 1000:03d}"
    )
