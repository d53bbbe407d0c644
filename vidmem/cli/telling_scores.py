"""How an evaluation is told: a line a video, a bar on a terminal, and the scores beside the paper's at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from vidmem.evaluation import Moment


class EvaluationTelling:
    """Give it every moment of an evaluation; it says which video has ended, how, and how long the rest will take."""

    def __init__(self, quiet: bool = False, trackers: int = 1):
        self.quiet, self._trackers = quiet, trackers
        self._seen: list[str] = []  # trackers, where there are several
        self._bar = None

    def __enter__(self) -> EvaluationTelling:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._began = time.monotonic()
        console = Console()
        if console.is_terminal and not self.quiet:
            self._bar = Progress(
                TextColumn("{task.fields[said]}"), BarColumn(), TextColumn("{task.fields[left]}"), console=console
            )
            self._task = self._bar.add_task("", total=1.0, said="starting", left="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def of_tracker(self, tracker: str, moment: Moment) -> None:
        """A moment of one of several trackers, that are worked off one after the other."""
        if tracker not in self._seen:
            self._seen.append(tracker)
        share = (len(self._seen) - 1 + moment.share) / self._trackers
        self._tell(moment, f"{tracker}  {said(moment)}", share)

    def __call__(self, moment: Moment) -> None:
        self._tell(moment, said(moment), moment.share)

    def _tell(self, moment: Moment, line: str, share: float) -> None:
        if self.quiet:
            return
        left = self._left(share)
        if self._bar:
            self._bar.console.print(line, markup=False, highlight=False)
            self._bar.update(self._task, completed=share, said=f"video {moment.done}/{moment.of}", left=left)
        else:
            typer.echo(f"video {moment.done}/{moment.of}  {line}{'  ' + left if left else ''}")

    def _left(self, share: float) -> str:
        if share >= 1 or share <= 0:
            return ""
        return f"{(time.monotonic() - self._began) * (1 - share) / share:.0f} s left"


def said(moment: Moment) -> str:
    """What came of a video, in one line."""
    from vidmem.evaluation.report.wording import size

    record = moment.record
    if record.problem:
        return f"{record.sequence}  failed: {record.problem}"
    parts = [record.sequence, f"{record.frames} frames"]
    parts += [f"{name} {100 * value:.1f}" for name, value in moment.numbers.items()]
    if record.tracking:
        parts += [f"{record.tracking.fps:.1f} fps", f"memory {size(record.tracking.peak_state_bytes)}"]
    return "  ".join(parts)


def tell_report(report: Mapping[str, Any], out: str, quiet: bool = False, again: str = "go on with --resume") -> None:
    """The scores, beside the paper's where the card has them, and where the report is. Leaves with 3 after failures."""
    from vidmem.evaluation.report.wording import compared, headline, percent, reservations, signed

    facts = report["facts"]
    if not quiet:
        beside = {each.metric: each for each in compared(report) if each.is_same}
        parts = [
            f"{name} {percent(value)}"
            + (
                f" (paper {percent(beside[name].published)}, {signed(beside[name].difference)})"
                if name in beside
                else ""
            )
            for name, value in report["metrics"].items()
        ]
        typer.echo(f"{headline(facts)}   {'  '.join(parts)}   {facts['videos_scored']}/{facts['videos']} videos")
        place = out.rstrip("/") if "://" in out else str(Path(out))
        typer.echo(f"wrote {place}/   report.html  report.md  report.json")
    for each in reservations(report):
        typer.echo(f"warning: {each}", err=True)
    if report["failures"]:
        from vidmem.errors import InputError

        name, reason = next(iter(report["failures"].items()))
        more = f" (and {len(report['failures']) - 1} more)" if len(report["failures"]) > 1 else ""
        raise InputError(
            f"{len(report['failures'])} of {facts['videos']} videos failed: {name}{more}: {reason} The report names "
            f"them all. Mend them, then {again}."
        )


def tell_rivals(rivals: Mapping[str, Mapping[str, Any]], out: str, quiet: bool = False) -> None:
    """The scores of several trackers, the best first, and where their reports are. Leaves with 3 after failures."""
    from vidmem.evaluation.report.rivals import best_first
    from vidmem.evaluation.report.wording import percent, reservations

    if not quiet:
        wide = max(map(len, rivals))
        for name in best_first(rivals):
            numbers = "  ".join(f"{each} {percent(value)}" for each, value in rivals[name]["metrics"].items())
            typer.echo(f"{name:{wide}s}   {numbers}")
        place = out.rstrip("/") if "://" in out else str(Path(out))
        typer.echo(f"wrote {place}/   report.html  report.md  report.json  {'/  '.join(rivals)}/")
    for each in reservations(next(iter(rivals.values()))):
        typer.echo(f"warning: {each}", err=True)
    if failed := {name: report["failures"] for name, report in rivals.items() if report["failures"]}:
        from vidmem.errors import InputError

        name, failures = next(iter(failed.items()))
        video, reason = next(iter(failures.items()))
        raise InputError(
            f"Videos failed under {', '.join(failed)}; under {name} {video}: {reason} The reports name them all. Mend "
            "them, then go on with --resume."
        )
