"""`vidmem datasets`: the annotated videos that can be scored, and whether a copy of them is whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidmem.cli.options import AsJson

if TYPE_CHECKING:
    from vidmem.videos import Dataset
    from vidmem.videos.check import Findings

app = typer.Typer(help="List the data sets, and check a copy of one.", no_args_is_help=True)


@app.command("list")
def list_datasets(as_json: AsJson = False) -> None:
    """Every card of datasets/: what it is, how it is scored, where a person gets it."""
    from vidmem import cards
    from vidmem.videos.dataset import read_card

    listed = {name: read_card(name) for name in cards.names("datasets")}
    if as_json:
        typer.echo(json.dumps(listed, indent=1))
        return
    for name, card in listed.items():
        typer.echo(f"{name}  ({card['title']})")
        splits = ", ".join(f"{each} (usual)" if each == card.get("split") else each for each in card.get("splits", {}))
        for word, said in (
            ("about:", card.get("about")),
            ("scored:", card["protocol"]),
            ("splits:", splits),
            ("licence:", card["licence"]),
            ("from:", card["address"]),
        ):
            if said:
                typer.echo(f"  {word:8s} {said}")


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="A name of `vidmem datasets list`, or a path to a card.")],
    root: Annotated[Path, typer.Option("--root", help="The folder it lies in.")],
    split: Annotated[
        str | None, typer.Option("--split", help="Which split; the card's usual one when left out.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Do not decode the pictures of frames.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read a whole data set and name everything that is missing, broken or does not fit. Ends with 3 if anything is."""
    from vidmem.videos import open_dataset
    from vidmem.videos.check import check as examine

    dataset = open_dataset(name, root, split)
    bar, advance = _bar(as_json)
    with bar:
        found = examine(dataset, quick, advance)
    if as_json:
        typer.echo(json.dumps(_as_json(dataset, found), indent=1))
    else:
        _tell(dataset, found)
    if found.problems:
        raise typer.Exit(3)


def _bar(quiet: bool):
    """A progress bar where a person looks on, and what moves it."""
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True, disable=quiet or not Console(stderr=True).is_terminal)
    task = bar.add_task("", total=None)

    def advance(name: str, number: int, total: int) -> None:
        bar.update(task, description=name, completed=number, total=total)

    return bar, advance


def _tell(dataset: Dataset, found: Findings) -> None:
    split = f", split {dataset.split}" if dataset.split else ""
    typer.echo(f"{dataset.root.title}{split}, below {dataset.root.path}")
    counted = ("videos", "frames", "objects", "masks", "boxes")
    typer.echo(
        "  ".join(f"{each} {getattr(found, each)}" for each in counted if getattr(found, each) or each == "videos")
    )
    if dataset.server:
        typer.echo(f"The truth of this split is not public; results are scored by {dataset.server}")
    for each in found.problems:
        typer.echo(f"{each.path}: {each.what}")
    if found.problems:
        typer.echo(f"\nProblems: {len(found.problems)}. Expected below --root:\n{dataset.root.tree.strip()}")
    else:
        typer.echo("No problem found.")


def _as_json(dataset: Dataset, found: Findings) -> dict:
    return {
        "dataset": dataset.name,
        "split": dataset.split,
        "root": str(dataset.root.path),
        "videos": found.videos,
        "frames": found.frames,
        "objects": found.objects,
        "masks": found.masks,
        "boxes": found.boxes,
        "problems": [{"path": str(each.path), "what": each.what} for each in found.problems],
    }
