"""`vidmem detect`: every object of known classes in a video, by a detector that remembers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from vidmem.cli import options
from vidmem.errors import UsageError


def detect(
    source: Annotated[str, typer.Argument(help="A video file, a folder of images, an address or a camera number.")],
    detector: options.DetectorName = "mamba",
    model: options.DetectorModel = "nano-detector",
    link: Annotated[
        bool, typer.Option("--link/--no-link", help="Give each object one id over all its frames.")
    ] = False,
    score: Annotated[float, typer.Option("--score", help="What a detection must reach, 0 to 1.")] = 0.3,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where results go; runs/detect/NAME-N when left out.")
    ] = None,
    formats: Annotated[
        str, typer.Option("--formats", help="Comma-separated: csv, coco, parquet, mp4.")
    ] = "csv,coco,mp4",
    overwrite: options.Overwrite = False,
    remembered: Annotated[
        Path | None, typer.Option("--remembered", metavar="memory.vmem", help="Begin with what another run remembered.")
    ] = None,
    every: options.Every = 1,
    frames: options.Frames = None,
    reader: options.Reader = "pyav",
    on_damage: options.OnDamage = "stop",
    device: options.Device = "auto",
    settings: options.Settings = [],  # noqa: B006 (Typer reads the default, nothing writes it)
    quiet: options.Quiet = False,
) -> None:
    """Detect every object of the detector's classes, and write boxes as tables and over the video."""
    if not 0 <= score <= 1:
        raise UsageError(f"--score {score:g} is none: it is 0 to 1.")
    from vidmem.detection_writers import detection_writers

    chosen = [each.strip() for each in formats.split(",") if each.strip()]
    for each in chosen:
        _ = detection_writers[each]  # an unknown name is told before anything is read
    if not chosen:
        raise UsageError(f"--formats names none. Known: {', '.join(detection_writers)}.")
    changed = options.settings_of(settings)
    folder = out or options.fresh_folder("detect", source)

    from vidmem import detect_run
    from vidmem.compose_detector import load
    from vidmem.frames import watch
    from vidmem.linking import Linker

    video = watch(source, reader=reader, on_damage=options.check_on_damage(on_damage), every=every)
    began = told_at = time.monotonic()

    def tell(frame, found, size: int) -> None:
        nonlocal told_at
        if not quiet and time.monotonic() - told_at >= 5:
            told_at = time.monotonic()
            rate = (frame.index + 1) / (told_at - began)
            of = f"/{video.promised}" if video.promised else ""
            typer.echo(
                f"frame {frame.index + 1}{of}  {rate:.1f} fps  objects {len(found)}  memory {size / 2**20:.1f} MiB"
            )

    try:
        outcome = detect_run.detect(
            video,
            load(detector, model, settings=changed, device=device),
            folder,
            formats=chosen,
            score=score,
            linker=Linker(begins=max(score, 0.1), goes_on=min(score, 0.1)) if link else None,
            remembered=remembered,
            overwrite=overwrite,
            stop_after=frames,
            watcher=tell,
        )
    finally:
        video.close()
    if not quiet:
        kinds = ", ".join(
            f"{count} {name}" for name, count in sorted(outcome.counts.items(), key=lambda each: -each[1])
        )
        named = f"; {outcome.objects} objects" if link else ""
        rate = outcome.frames / max(1e-9, time.monotonic() - began)
        typer.echo(f"{outcome.frames} frames at {rate:.1f} fps: {kinds or 'nothing found'}{named}")
        listed = sorted(each.name for each in folder.iterdir() if each.name[0] != ".")
        typer.echo(f"memory {outcome.state_bytes / 2**20:.1f} MiB; wrote {folder}/   {'  '.join(listed)}")
    if outcome.damage is not None:
        raise outcome.damage
