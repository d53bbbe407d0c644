"""How a run is told while it goes on: a bar on a terminal, plain lines elsewhere, and what came of it at the end."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from vidmem.asked import Saying
    from vidmem.models import Model
    from vidmem.run import Moment, Outcome

SECONDS_BETWEEN_LINES = 5.0


class Telling:
    """Give it every moment of a run; it says what is worth saying."""

    def __init__(self, promised: int | None, quiet: bool = False):
        self.promised, self.quiet = promised, quiet
        self._told_at = 0.0
        self._bar = None

    def __enter__(self) -> Telling:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console()
        if console.is_terminal and not self.quiet:
            self._bar = Progress(
                TextColumn("frame {task.completed:.0f}" + (f"/{self.promised}" if self.promised else "")),
                BarColumn(),
                TextColumn("{task.fields[said]}"),
                TimeRemainingColumn(),
                console=console,
            )
            self._task = self._bar.add_task("", total=self.promised, said="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, moment: Moment) -> None:
        done = moment.summary.frames
        if self._bar:
            self._bar.update(self._task, completed=done, said=_said(moment))
            return
        now = time.monotonic()
        if not self.quiet and now - self._told_at >= SECONDS_BETWEEN_LINES:
            of = f"/{self.promised}" if self.promised else ""
            left = ""
            if self.promised and moment.summary.fps:
                left = f"  {max(0, self.promised - done) / moment.summary.fps:.0f} s left"
            typer.echo(f"frame {done}{of}  {_said(moment)}{left}")
            self._told_at = now


def _said(moment: Moment) -> str:
    from vidmem.memory_record import resident_bytes

    objects = moment.annotation.objects.values()
    score = min((each.score for each in objects), default=0.0)
    return (
        f"{moment.summary.fps or 0:.1f} fps  objects {len(objects)}  memory {_size(moment.state_bytes)}  "
        f"RAM {_size(resident_bytes())}  score {score:.2f}"
    )


def tell_precision(model: Model, quiet: bool = False) -> None:
    """Says so where the answers are not those of float32."""
    if model.spec.precision != "float32" and not quiet:
        typer.echo(f"{model.spec.name} computes in {model.spec.precision} here; --precision exact: float32, slower")


def tell_outcome(outcome: Outcome, quiet: bool = False) -> None:
    """What became of each object, and where the results are."""
    if quiet:
        return
    summary = outcome.summary
    for object_id, each in summary.objects.items():
        lost = ", ".join(f"{a}-{b}" if a != b else f"{a}" for a, b in (sorted(span) for span in each.lost[:6]))
        more = f" and {len(each.lost) - 6} more" if len(each.lost) > 6 else ""
        score = f"mean score {each.mean_score:.2f}" if each.mean_score is not None else "never seen"
        typer.echo(
            f"object {object_id}   seen in {each.visible} of {each.frames} frames   {score}"
            + (f"   lost {lost}{more}" if lost else "")
        )
    rate = f" at {summary.fps:.1f} fps" if summary.fps else ""
    typer.echo(f"{summary.frames} frames{rate}; memory at most {_size(summary.peak_bytes)}")
    listed = sorted(
        each.name + ("/" if each.is_dir() else "") for each in outcome.folder.iterdir() if each.name[0] != "."
    )
    typer.echo(f"wrote {outcome.folder}/   {'  '.join(listed)}")
    for object_id, each in summary.objects.items():
        if each.visible == 0:
            typer.echo(
                f"warning: object {object_id} was never seen; all its masks are empty. "
                "Look at the prompt, or prompt another frame.",
                err=True,
            )


def tell_unasked(sayings: Sequence[Saying], outcome: Outcome, quiet: bool = False) -> None:
    """Warns of objects whose prompts were meant for frames behind --frames."""
    begun = outcome.summary.objects
    late = [each for each in sayings if each.object_id is not None and each.object_id not in begun]
    if late and not quiet:
        typer.echo(
            f"warning: {late[0].text} is meant for a frame behind the {outcome.summary.frames} of --frames, so object "
            f"{late[0].object_id} was not begun. Take more frames, or go on with --resume.",
            err=True,
        )


def stopped(folder: Path) -> typer.Exit:
    """Says that a run was stopped, and how to go on with what there is of it."""
    from vidmem.runlog import has_run

    typer.echo(f"Stopped; what was seen is saved. {resume_words(folder)}" if has_run(folder) else "Stopped.", err=True)
    return typer.Exit(130)


def resume_words(folder: Path) -> str:
    return f"Go on with: --resume --out {shlex.quote(str(folder))}"


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
