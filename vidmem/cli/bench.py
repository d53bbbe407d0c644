"""`vidmem bench`: how long a frame takes and what is remembered, frame by frame, beside other implementations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from vidmem.cli import options
from vidmem.errors import InputError, UsageError


def bench(
    source: Annotated[str, typer.Argument(help="A video file, a folder of images, or demo:koi.")] = "demo:koi",
    trackers: Annotated[str, typer.Option("--trackers", help="Cards of `vidmem trackers`, comma-separated.")] = "sam2",
    model: options.ModelName = "nano",
    beside: Annotated[
        str, typer.Option("--peers", help="sam2, transformers: with the same weights, in the same run. Or none.")
    ] = "none",
    objects: Annotated[int, typer.Option("--objects", help="Boxes spread over the picture.")] = 1,
    frames: Annotated[int, typer.Option("--frames", help="Frames; a short source is played to and fro.")] = 60,
    settle: Annotated[int, typer.Option("--settle", help="Frames that are not counted while memories fill.")] = 16,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads of the processor.")] = None,
    device: options.Device = "auto",
    precision: options.Precision = None,
    settings: options.Settings = [],  # noqa: B006 (Typer copies it)
    out: Annotated[Path, typer.Option("--out", help="Where bench.json and bench.png go.")] = Path("runs/bench"),
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure latency and memory against the frame, and draw them. Pictures are resized beforehand.

    Memory length is a setting of the card, for example --set bank.frames=12.
    """
    if frames < 2 or objects < 1 or settle < 0:
        raise UsageError("--frames is 2 or more, --objects 1 or more, --settle 0 or more.")
    names = list(dict.fromkeys(each.strip() for each in trackers.split(",") if each.strip()))
    changed = options.with_precision(options.settings_of(settings), precision)
    chosen = [each.strip() for each in beside.split(",") if each.strip() not in ("", "none")]
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; --out names a folder.")

    import torch

    from vidmem.compose import load, load_model
    from vidmem.frames import watch
    from vidmem.speed.bench import bench as run
    from vidmem.speed.chart import draw
    from vidmem.speed.ours import pictures_of, spread_boxes

    if threads:
        torch.set_num_threads(threads)
    seer = load_model(model, device=device, **{key[6:]: v for key, v in changed.items() if key.startswith("model.")})
    made = {f"vidmem {name}": load(name, seer, settings=changed) for name in names}
    video = watch(source)
    try:
        pictures = pictures_of(list(video.between(0, frames)), seer)
    finally:
        video.close()
    boxes = spread_boxes(objects, seer.spec.input_size)
    tell = None if quiet or as_json else lambda frame, _: frame % 20 or typer.echo(f"frame {frame}/{frames}")
    result = run(made, pictures, boxes, frames, beside=chosen, watcher=tell)
    said = result.said(min(settle, frames - 1))
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.json").write_text(json.dumps(said, indent=1) + "\n")
    latencies = {name: lap.wall for name, lap in result.laps.items()}
    title = f"{said['model']} at {said['input'][0]}, {objects} object{'s' * (objects > 1)}, {said['precision']}"
    draw(out / "bench.png", latencies, result.memory, title, said["roofline_ms"])
    if as_json:
        typer.echo(json.dumps(said, indent=1))
    elif not quiet:
        for name, side in said["sides"].items():
            size = f"   memory {side['state_bytes'][-1] / 2**20:.2f} MiB" if side["state_bytes"] else ""
            typer.echo(
                f"{name:20s} {side['milliseconds']:9.1f} ms   {side['frames_a_second']:7.2f} fps   "
                f"IoU with {next(iter(made))} {side['mask_iou']:.3f}{size}"
            )
        typer.echo(f"on {said['gpu'] or said['machine']}, {said['threads']} threads, {said['precision']}")
        typer.echo(f"wrote {out}/   bench.json  bench.png")
