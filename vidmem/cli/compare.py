"""`vidmem compare`: several trackers over one video, in one table, one film and a picture of each memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidmem.cli import options
from vidmem.errors import UsageError

if TYPE_CHECKING:
    from vidmem.comparing import Comparison


def compare(
    source: Annotated[str, typer.Argument(help="A video file, a folder of images, or demo:koi.")],
    trackers: Annotated[str, typer.Option("--trackers", help="Cards of `vidmem trackers`, comma-separated.")],
    masks: options.Masks = [],  # noqa: B006 (Typer copies it)
    boxes: options.Boxes = [],  # noqa: B006
    points: options.Points = [],  # noqa: B006
    prompts: options.Prompts = None,
    truth: Annotated[
        Path | None, typer.Option("--gt", metavar="MASKS", help="A folder of true index PNGs, named as the frames.")
    ] = None,
    model: options.ModelName = "nano",
    out: Annotated[Path, typer.Option("--out", help="Where results go.")] = Path("runs/compare"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier comparison in --out.")] = False,
    frames: options.Frames = None,
    reader: options.Reader = "pyav",
    on_damage: options.OnDamage = "stop",
    device: options.Device = "auto",
    precision: options.Precision = None,
    settings: options.Settings = [],  # noqa: B006
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Follow the same objects by several trackers, each frame encoded once for all of them."""
    cards = list(dict.fromkeys(each.strip() for each in trackers.split(",") if each.strip()))
    named = {Path(each).stem if each.endswith(".toml") else each: each for each in cards}
    if len(named) < len(cards):
        raise UsageError(f"Trackers to compare need different names; got {', '.join(cards)}.")
    if len(named) < 2:
        raise UsageError("--trackers names two cards or more, comma-separated. See `vidmem trackers`.")
    changed = options.settings_of(settings)
    sayings = options.sayings_of(source, masks, boxes, points, prompts)
    from vidmem.cli.telling import tell_precision
    from vidmem.comparing import FILM, TABLE
    from vidmem.comparing import compare as run
    from vidmem.compose import load, load_model
    from vidmem.frames import watch
    from vidmem.models.shared import SharedEncoding
    from vidmem.prompting import check_first, check_reach

    encoding = SharedEncoding(load_model(model, device=device, precision=precision or "auto"))
    tell_precision(encoding, quiet or as_json)
    made = {name: load(card, encoding, settings=changed) for name, card in named.items()}
    video = watch(source, reader=reader, on_damage=options.check_on_damage(on_damage))
    try:
        check_reach(sayings, video.name, video.promised)
        check_first(sayings, video)
        told = None if quiet or as_json else lambda done: _tell(done, frames or video.promised)
        result = run(
            *(video, made, sayings, out),
            encoding=encoding,
            truth=truth,
            overwrite=overwrite,
            stop_after=frames,
            watcher=told,
        )
    finally:
        video.close()
    said = as_table(result)
    (out / TABLE).write_text(json.dumps(said, indent=1) + "\n")
    if as_json:
        typer.echo(json.dumps(said, indent=1))
    elif not quiet:
        _show(said)
        typer.echo(f"wrote {out}/   {FILM}  {TABLE}  {'  '.join(name + '/' for name in named)}")
    if result.damage is not None:
        raise result.damage


def as_table(result: Comparison) -> dict[str, dict[str, float | int | None]]:
    """Tracker -> its figures; the fractions are 0..1."""
    table = {}
    for name, standing in result.standings.items():
        objects = standing.summary.objects.values()
        table[name] = {
            "fps": None if standing.summary.fps is None else round(standing.summary.fps, 2),
            "peak_bytes": standing.summary.peak_bytes,
            "lost_spans": sum(each.spans for each in objects),
            "lost_frames": sum(each.frames - each.visible for each in objects),
            "agreement": round(standing.agreement, 4),
            **{each: round(score, 4) for each, score in standing.scores.items()},
        }
    return table


def _show(table: dict[str, dict[str, float | int | None]]) -> None:
    from rich.console import Console
    from rich.table import Table

    first = next(iter(table))
    words = {"peak_bytes": "memory, KiB", "lost_spans": "lost", "lost_frames": "frames lost"}
    words["agreement"] = f"IoU with {first}"
    columns = list(table[first])
    sheet = Table("tracker", *(words.get(each, each) for each in columns), box=None, header_style="bold")
    for name, row in table.items():
        sheet.add_row(name, *(_said(each, row[each]) for each in columns))
    Console().print(sheet)


def _said(column: str, value: float | int | None) -> str:
    if value is None:
        return "-"
    if column == "peak_bytes":
        return f"{value / 1024:.0f}"
    return f"{value:.1f}" if column == "fps" else f"{value}" if isinstance(value, int) else f"{value:.3f}"


def _tell(done: int, promised: int | None) -> None:
    if done % 25 == 0 or done == promised:
        typer.echo(f"frame {done}" + (f"/{promised}" if promised else ""))
