"""The command line: one file a verb. Nothing heavy is imported before a verb runs."""

from __future__ import annotations

import typer

from vidmem.cli import (
    ask,
    caption,
    compare,
    datasets,
    demo,
    doctor,
    evaluate,
    export,
    inspect,
    models,
    needle,
    scenes,
    stream,
    track,
    trackers,
    train,
)

app = typer.Typer(
    name="vidmem",
    help="Streaming memory for vision: follow objects through endless video, in flat memory.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("track")(track.track)
app.command("stream")(stream.stream)
app.command("demo")(demo.demo)
app.command("compare")(compare.compare)
app.command("scenes")(scenes.scenes)
app.command("ask")(ask.ask)
app.command("caption")(caption.caption)
app.command("inspect")(inspect.inspect)
app.command("eval")(evaluate.evaluate)
app.command("score")(evaluate.score)
app.command("export")(export.export)
app.command("doctor")(doctor.doctor)
app.command("trackers")(trackers.trackers)
app.command("train")(train.train)
app.add_typer(models.app, name="models")
app.add_typer(datasets.app, name="datasets")
app.add_typer(needle.app, name="needle")


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", help="Print the version and leave.", is_eager=True)) -> None:
    if version:
        from vidmem import __version__

        typer.echo(f"vidmem {__version__}")
        raise typer.Exit()
