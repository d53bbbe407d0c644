"""`vidmem eval` and `vidmem score`: a tracker over a data set, or results made elsewhere, to scores and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vidmem.cli import options
from vidmem.errors import UsageError

DataSet = Annotated[str, typer.Argument(metavar="DATASET", help="A card of datasets/, or a path to one.")]
Root = Annotated[Path, typer.Option("--root", help="The folder the data set lies in.")]
Split = Annotated[str, typer.Option("--split", help="A split of the data set; its usual one when left out.")]
Sequences = Annotated[
    str, typer.Option("--sequences", metavar="A,B", help="Only these videos, comma-separated; all when left out.")
]
Workers = Annotated[
    int, typer.Option("--workers", help="Videos at a time; when left out one a GPU, or one for two processor cores.")
]


def evaluate(
    dataset: DataSet,
    root: Root,
    out: Annotated[str, typer.Option("--out", help="Where results and report go: a folder, or s3://… and the like.")],
    tracker: Annotated[
        str,
        typer.Option("--tracker", help="A card of `vidmem trackers` or a path to one; several with commas, or all."),
    ] = "sam2",
    model: options.ModelName = "nano",
    prompt: Annotated[
        str, typer.Option("--prompt", help="What a tracker is told of an object's first mask: mask, box or click.")
    ] = "mask",
    split: Split = "",
    sequences: Sequences = "",
    workers: Workers = 0,
    engine: Annotated[str, typer.Option("--engine", help="local: processes here; ray: a cluster.")] = "local",
    address: Annotated[
        str | None, typer.Option("--address", help="Of the Ray cluster; auto for the one this machine is in.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an evaluation that was broken off.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier evaluation.")] = False,
    emit: options.Emit = None,
    lag: options.Lag = None,
    device: options.Device = "auto",
    settings: options.Settings = [],  # noqa: B006 (Typer reads the default, nothing writes it)
    protocol: options.Counting = [],  # noqa: B006
    quiet: options.Quiet = False,
) -> None:
    """Run a tracker over a data set, score it as its benchmark does, and write report.json, .html and .md."""
    mode = options.mode_of(overwrite, resume)
    changed = options.with_emission(options.settings_of(settings), emit, lag)
    counting = options.counting_of(protocol)
    wanted = names_of(sequences)

    from vidmem.cli.telling_scores import EvaluationTelling, tell_report, tell_rivals
    from vidmem.evaluation import Plan, evaluate_rivals
    from vidmem.evaluation import evaluate as run

    rivals = trackers_of(tracker)
    plan = Plan(dataset, str(root), split, rivals[0], model, prompt, changed, counting=counting, sequences=wanted)
    where = {"engine": engine, "workers": workers, "device": device, "address": address}
    try:
        if len(rivals) == 1:
            with EvaluationTelling(quiet) as telling:
                report = run(plan, out, mode=mode, watcher=telling, **where)
            tell_report(report, out, quiet)
        else:
            with EvaluationTelling(quiet, len(rivals)) as telling:
                reports = evaluate_rivals(plan, rivals, out, mode=mode, watcher=telling.of_tracker, **where)
            tell_rivals(reports, out, quiet)
    except KeyboardInterrupt:
        from vidmem.cli.telling import resume_words

        typer.echo(f"Stopped; the videos that are done are kept. {resume_words(Path(out))}", err=True)
        raise typer.Exit(130) from None


def score(
    dataset: DataSet,
    root: Root,
    results: Annotated[
        Path,
        typer.Option(
            "--results", help="Results as the benchmark takes them, for example VIDEO/*.png, or detections.json."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the report goes; the folder of results when left out.")
    ] = None,
    split: Split = "",
    sequences: Sequences = "",
    workers: Workers = 0,
    protocol: options.Counting = [],  # noqa: B006
    quiet: options.Quiet = False,
) -> None:
    """Score results made elsewhere, as the benchmark does, and write report.json, .html and .md."""
    from vidmem.cli.telling_scores import EvaluationTelling, tell_report
    from vidmem.evaluation import score_results

    with EvaluationTelling(quiet) as telling:
        report, place = score_results(
            dataset,
            root,
            results,
            out,
            split=split,
            sequences=names_of(sequences),
            counting=options.counting_of(protocol),
            workers=workers,
            watcher=telling,
        )
    tell_report(report, place, quiet, again="score again")


def names_of(text: str) -> tuple[str, ...]:
    """The names in a comma-separated list."""
    return tuple(each.strip() for each in text.split(",") if each.strip())


def trackers_of(text: str) -> tuple[str, ...]:
    """The cards in a comma-separated list; "all" is every card of trackers/, sam2 first."""
    if text.strip() == "all":
        from vidmem import cards

        return tuple(sorted(cards.names("trackers"), key=lambda name: (name != "sam2", name)))
    if not (names := names_of(text)):
        raise UsageError("--tracker names no tracker. Known: `vidmem trackers`.")
    return names
