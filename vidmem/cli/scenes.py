"""`vidmem scenes`: where the scenes of a video end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidmem.cli import options
from vidmem.errors import InputError, UsageError

if TYPE_CHECKING:
    from vidmem.cuts.detect import SceneReport
    from vidmem.cuts.tilling import Tilling


def scenes(
    source: Annotated[str, typer.Argument(help="A video file, a folder of images, an address, or demo:koi.")],
    encoder: Annotated[
        str,
        typer.Option(
            "--encoder", help="What frames are compared by: colour, nano, model:NAME, timm:NAME, transformers:FOLDER."
        ),
    ] = "colour",
    rule: Annotated[
        str, typer.Option("--rule", help="vidmem, or as published: reference (released code), paper (project page).")
    ] = "vidmem",
    alpha: Annotated[float | None, typer.Option("--alpha", help="Deviations a depth must lie above the mean.")] = None,
    floor: Annotated[float | None, typer.Option("--floor", help="Depth below which nothing is a cut.")] = None,
    shortest: Annotated[int | None, typer.Option("--shortest", help="Frames of the shortest scene.")] = None,
    count: Annotated[
        int | None, typer.Option("--count", help="So many of the deepest cuts, whatever their depth.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where results go; runs/scenes/NAME when left out.")] = None,
    formats: Annotated[
        str, typer.Option("--formats", help="Comma-separated: json, csv, edl, png (contact sheet), mp4 (chapters).")
    ] = "json,csv,edl,png",
    overwrite: options.Overwrite = False,
    stream: Annotated[
        bool, typer.Option("--stream", help="Tell each cut as it is seen, one JSON line each; nothing is written.")
    ] = False,
    reader: options.Reader = "pyav",
    on_damage: options.OnDamage = "stop",
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Find scene cuts, with scores: a table, an edit list, a contact sheet, chapters."""
    from vidmem.cuts.forms import forms

    chosen = [each.strip() for each in formats.split(",") if each.strip()]
    for each in chosen:
        _ = forms[each]  # an unknown name is told before anything is read
    damage = options.check_on_damage(on_damage)
    if stream:
        if count is not None or rule != "vidmem":
            raise UsageError("--stream decides as frames come, so it takes no --count and no --rule.")
        _tell_stream(source, encoder, reader, alpha, floor, shortest)
        return
    if "mp4" in chosen and not Path(source).is_file():  # told now, not when all is found
        raise InputError(
            f"{source} is no video file, so it cannot be copied with chapters. Leave mp4 out of --formats."
        )
    chosen_rule = _rule(rule, alpha, floor, shortest, count)
    folder = out or Path("runs/scenes") / (Path(source.replace(":", "-")).stem or "scenes")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise InputError(f"{folder} is not empty. Add --overwrite to replace what is in it, or choose another --out.")

    from vidmem.cuts.detect import find_scenes
    from vidmem.cuts.forms.plain import as_table
    from vidmem.frames import watch
    from vidmem.saving import make_folder

    video = watch(source, reader=reader, on_damage=damage)
    try:
        told = None if quiet or as_json else lambda done: _tell(done, video.promised)
        report = find_scenes(video, encoder, chosen_rule, told)
    finally:
        video.close()
    make_folder(folder)
    names = {each: folder / ("chapters.mp4" if each == "mp4" else f"scenes.{each}") for each in chosen}
    for each, path in names.items():
        forms[each](report, path, source)
    if as_json:
        typer.echo(json.dumps(as_table(report), indent=1))
    elif not quiet:
        typer.echo(as_text(report))
        typer.echo(f"wrote {folder}/   {'  '.join(path.name for path in names.values())}")
    if report.damage is not None:
        raise report.damage


def as_text(report: SceneReport, most: int = 40) -> str:
    """A line a scene; of very many the first."""
    from vidmem.cuts.forms.sheet import clock

    lines = ["scene      frames            time             depth"]
    for scene in report.scenes[:most]:
        depth = "" if scene.depth is None else f"{scene.depth:.3f}"
        span = f"{clock(scene.start)} - {clock(scene.end)}"
        lines.append(f"{scene.number:5d}   {scene.first:6d} - {scene.last:<6d}   {span:<22s} {depth:>6s}")
    if len(report.scenes) > most:
        lines.append(f"  ... and {len(report.scenes) - most} more")
    return "\n".join([*lines, f"{len(report.scenes)} scenes in {report.frames} frames, by {report.encoder}"])


def _rule(name: str, alpha: float | None, floor: float | None, shortest: int | None, count: int | None) -> Tilling:
    from dataclasses import replace

    from vidmem.cuts.tilling import RULES

    if name not in RULES:
        raise UsageError(f"No rule is named {name!r}. Known: {', '.join(RULES)}.")
    said = {"alpha": alpha, "floor": floor, "shortest": shortest, "count": count}
    return replace(RULES[name], **{each: value for each, value in said.items() if value is not None})


def _tell_stream(
    source: str, encoder: str, reader: str, alpha: float | None, floor: float | None, shortest: int | None
) -> None:
    from vidmem.cuts.detect import stream_cuts
    from vidmem.cuts.stream import StreamingTilling
    from vidmem.frames import watch

    said = {"alpha": alpha, "floor": floor, "shortest": shortest}
    rule = StreamingTilling(**{each: value for each, value in said.items() if value is not None})  # type: ignore[arg-type]
    video = watch(source, reader=reader)
    try:
        for frame, cut in stream_cuts(video, encoder, rule):
            line = {"frame": cut.frame, "time": round(frame.time, 6), "depth": round(cut.depth, 6)}
            typer.echo(json.dumps({**line, "likeness": round(cut.likeness, 6)}))
    finally:
        video.close()


def _tell(done: int, promised: int | None) -> None:
    if done % 500 == 0:
        typer.echo(f"frame {done}" + (f"/{promised}" if promised else ""))
