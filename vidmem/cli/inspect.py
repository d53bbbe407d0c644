"""`vidmem inspect`: what is remembered at a frame, and why."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidmem.cli import options

if TYPE_CHECKING:
    from vidmem.frames import Source
    from vidmem.inspecting import Inspection


def inspect(
    place: Annotated[Path, typer.Argument(help="The folder of a run, or the file of a saved session (.vmem).")],
    frame: Annotated[int | None, typer.Option("--frame", help="Behind which frame; the last when left out.")] = None,
    object_id: Annotated[int | None, typer.Option("--object", help="Only this object.")] = None,
    png: Annotated[Path | None, typer.Option("--png", help="Also draw thumbnails and the time line here.")] = None,
    rerun: Annotated[
        Path | None, typer.Option("--rerun", help="Also write a rerun recording (.rrd) of the run.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="The video, if it is no longer where the run found it.")
    ] = None,
    tracker: options.TrackerName = "sam2",
    as_json: options.AsJson = False,
) -> None:
    """Show what is in memory: kind, age, how it counts, scores, bytes, and why it is kept."""
    from vidmem.compose import bank_of
    from vidmem.errors import InputError, UsageError
    from vidmem.inspecting import Inspection
    from vidmem.inspecting import inspect as look

    if (png or rerun) and not place.is_dir():
        raise UsageError("--png and --rerun show a run; name the folder given to --out of `vidmem track`.")
    if place.suffix == ".zip":
        raise InputError(
            f"{place} is work saved on the page, an archive. Open it with `vidmem demo --resume {place}`, or unpack "
            "its session.vmem and inspect that."
        )
    found = look(place, bank_of(tracker), frame)
    if object_id is not None:
        if object_id not in found.memory:
            known = ", ".join(map(str, found.memory)) or "none"
            raise InputError(f"Nothing is remembered of object {object_id} at frame {found.frame}. Known: {known}.")
        found = Inspection(
            found.place, found.frame, found.state_bytes, {object_id: found.memory[object_id]}, found.prompts
        )
    typer.echo(json.dumps(_as_json(found), indent=1) if as_json else as_text(found))
    if png is not None:
        with closing(options.video_of(place, source)) as video:
            _draw(found, video, png)
        typer.echo(f"wrote {png}")
    if rerun is not None:
        from vidmem.rerun_recording import record

        with closing(options.video_of(place, source)) as video:
            frames = record(place, video, rerun)
        typer.echo(f"wrote {rerun}, {frames} frames; open it with: rerun {rerun}")


def as_text(found: Inspection) -> str:
    """A table for each object."""
    lines = [f"behind frame {found.frame}: {len(found.memory)} objects, {found.state_bytes / 1024:.1f} KiB in all"]
    if found.prompts:
        marked = (f"{frame} (object {', '.join(map(str, ids))})" for frame, ids in found.prompts.items())
        lines.append(f"marked in frames {', '.join(marked)}")
    for object_id, held in found.memory.items():
        size = sum(each.nbytes for each in held)
        lines.append(f"\nobject {object_id}: {len(held)} entries, {size / 1024:.1f} KiB")
        lines.append("  kind        frame    age  slot  weight  pred_iou   score     bytes  why")
        for each in held:
            slot = "-" if each.slot is None else str(each.slot)
            lines.append(
                f"  {each.kind:10s} {each.frame:6d} {found.frame + 1 - each.frame:6d} {slot:>5s} {each.weight:7.3f} "
                f"{each.pred_iou:9.3f} {each.object_score_logit:7.2f} {each.nbytes:9d}  {each.why}"
            )
    return "\n".join(lines)


def _as_json(found: Inspection) -> dict:
    return {
        "frame": found.frame,
        "state_bytes": found.state_bytes,
        "prompts": {str(frame): list(ids) for frame, ids in found.prompts.items()},
        "memory": {
            str(object_id): [{**vars(each), "age": found.frame + 1 - each.frame, "why": each.why} for each in held]
            for object_id, held in found.memory.items()
        },
    }


def _draw(found: Inspection, video: Source, png: Path) -> None:
    from vidmem.inspecting import over_time, thumbnails
    from vidmem.learning_picture import draw_learning
    from vidmem.memory_sheet import draw_sheet

    wanted = [(object_id, each.frame) for object_id, held in found.memory.items() for each in held]
    timeline = found.place / "memory.png"
    below = [timeline.read_bytes()] if timeline.is_file() else []
    for object_id in found.memory:
        learned = draw_learning(over_time(found.place, object_id), object_id)
        below += [] if learned is None else [learned]
    draw_sheet(found, thumbnails(found.place, video, wanted), png, below)
