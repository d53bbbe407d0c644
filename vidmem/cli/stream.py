"""`vidmem stream`: follow objects on a live source for as long as it runs, in flat memory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vidmem.cli import options


def stream(
    source: Annotated[
        str, typer.Argument(help="An address (rtsp://…, http://…), a camera number, or any other source.")
    ],
    masks: options.Masks = [],  # noqa: B006 (Typer reads the default, nothing writes it)
    boxes: options.Boxes = [],  # noqa: B006
    points: options.Points = [],  # noqa: B006
    prompts: options.Prompts = None,
    tracker: options.TrackerName = "sam2",
    model: options.ModelName = "nano",
    out: Annotated[Path, typer.Option("--out", help="Where results go.")] = Path("runs/stream"),
    formats: options.Formats = "csv",
    overwrite: options.Overwrite = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the objects of an earlier run.")] = False,
    frames: options.Frames = None,
    reader: options.Reader = "pyav",
    device: options.Device = "auto",
    precision: options.Precision = None,
    emit: options.Emit = None,
    lag: options.Lag = None,
    settings: options.Settings = [],  # noqa: B006
    quiet: options.Quiet = False,
) -> None:
    """Follow objects on a live source until you stop it. A broken line is opened again, a late frame dropped."""
    mode, chosen = options.mode_of(overwrite, resume), options.formats_of(formats)
    changed = options.with_precision(options.with_emission(options.settings_of(settings), emit, lag), precision)
    sayings = options.sayings_of(source, masks, boxes, points, prompts)

    from vidmem.cli.telling import Telling, stopped, tell_outcome, tell_precision, tell_unasked
    from vidmem.compose import load
    from vidmem.frames import watch
    from vidmem.run import follow

    video = watch(source, reader=reader, on_damage="skip")
    facts = {
        "source": source,
        "prompts": [each.text for each in sayings],
        "tracker": tracker,
        "model": model,
        "settings": changed,
    }
    try:
        made = load(tracker, model, settings=changed, device=device)
        tell_precision(made.model, quiet)
        with Telling(frames, quiet) as telling:
            outcome = follow(
                video,
                made,
                sayings,
                out,
                formats=chosen,
                facts=facts,
                mode=mode,
                stop_after=frames,
                watcher=telling,
            )
    except KeyboardInterrupt:
        raise stopped(out) from None
    finally:
        video.close()
    tell_outcome(outcome, quiet)
    tell_unasked(sayings, outcome, quiet)
