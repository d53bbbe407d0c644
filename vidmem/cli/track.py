"""`vidmem track`: follow objects through a video and write the results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vidmem.cli import options
from vidmem.errors import UsageError


def track(
    source: Annotated[
        str, typer.Argument(help="A video file, a folder of images, an address, a camera number, or demo:koi.")
    ],
    masks: options.Masks = [],  # noqa: B006 (Typer reads the default, nothing writes it)
    boxes: options.Boxes = [],  # noqa: B006
    points: options.Points = [],  # noqa: B006
    prompts: options.Prompts = None,
    tracker: options.TrackerName = "sam2",
    model: options.ModelName = "nano",
    out: Annotated[
        Path | None, typer.Option("--out", help="Where results go; runs/track/NAME-N when left out.")
    ] = None,
    formats: options.Formats = "png,rle,csv,mp4",
    overwrite: options.Overwrite = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was broken off.")] = False,
    direction: Annotated[
        str, typer.Option("--direction", help="forward, or both: also the frames before an object's first prompt.")
    ] = "forward",
    overlap: options.Overlap = True,
    every: options.Every = 1,
    frames: options.Frames = None,
    reader: options.Reader = "pyav",
    on_damage: options.OnDamage = "stop",
    device: options.Device = "auto",
    precision: options.Precision = None,
    emit: options.Emit = None,
    lag: options.Lag = None,
    settings: options.Settings = [],  # noqa: B006
    detector: Annotated[
        str, typer.Option("--detector", help="A card of configs/detectors/: what it finds joins as new objects.")
    ] = "",
    detector_model: Annotated[
        str, typer.Option("--detector-model", help="nano-detector, or a detector.safetensors of `vidmem train`.")
    ] = "nano-detector",
    detect_every: Annotated[int, typer.Option("--detect-every", help="Frames between two looks of the detector.")] = 8,
    detect_score: Annotated[
        float, typer.Option("--detect-score", help="What a detection must reach to begin an object, 0 to 1.")
    ] = 0.5,
    quiet: options.Quiet = False,
) -> None:
    """Follow objects through a video and write masks, tables and an overlay."""
    mode = options.mode_of(overwrite, resume)
    if direction not in ("forward", "both"):
        raise UsageError(f"--direction {direction!r} is not known. It is forward or both.")
    chosen = options.formats_of(formats)
    changed = options.with_precision(options.with_emission(options.settings_of(settings), emit, lag), precision)
    is_told = bool(masks or boxes or points or prompts) or not detector
    sayings = options.sayings_of(source, masks, boxes, points, prompts) if is_told else []
    if detector and direction == "both":
        raise UsageError("--detector adds objects as the frames come: it goes with --direction forward alone.")
    folder = out or options.fresh_folder("track", source)

    from vidmem.cli.telling import Telling, stopped, tell_outcome, tell_precision, tell_unasked
    from vidmem.compose import load
    from vidmem.frames import watch
    from vidmem.prompting import check_first, check_reach
    from vidmem.run import follow

    video = watch(source, reader=reader, on_damage=options.check_on_damage(on_damage), every=every)
    try:
        check_reach(sayings, video.name, video.promised)
        check_first(sayings, video)
        made = load(tracker, model, settings=changed, device=device)
        tell_precision(made.model, quiet)
        if detector:
            from vidmem.compose_detector import load as load_detector
            from vidmem.seeding import seeded

            finder = load_detector(detector, detector_model, device=device)
            made = seeded(made, finder, every=detect_every, score=detect_score)
        facts = {
            "source": source,
            "prompts": [each.text for each in sayings],
            "tracker": tracker,
            "model": model,
            "settings": changed,
            "overlap": overlap,
            "direction": direction,
            "every": every,
            "reader": reader,
        }
        if detector:
            facts["detector"] = [detector, detector_model, detect_every, detect_score]
        total = min(x for x in (video.promised, frames) if x is not None) if video.promised or frames else None
        with Telling(total, quiet) as telling:
            outcome = follow(
                video,
                made,
                sayings,
                folder,
                formats=chosen,
                facts=facts,
                mode=mode,
                overlap=overlap,
                both_ways=direction == "both",
                stop_after=frames,
                watcher=telling,
            )
    except KeyboardInterrupt:
        raise stopped(folder) from None
    finally:
        video.close()
    tell_outcome(outcome, quiet)
    tell_unasked(sayings, outcome, quiet)
    if outcome.damage is not None:
        raise outcome.damage
