"""Engines: where the tasks of an evaluation are worked off. One task is one video.

To add one: write vidmem/evaluation/engines/NAME.py and its line in the table; tests/test_engines.py tries it at once.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from vidmem.catalog import Catalog


@dataclass(frozen=True)
class Ended:
    """How a task ended. What it made is in the store; this is only told."""

    task: str
    problem: str = ""  # why it failed, in one line
    trace: str = ""
    refusal: str = ""  # the name of an error of errors.py that ends the whole run, such as ModelError
    place: str = ""  # where it was worked on


class Job(Protocol):
    """What is done with a task. It is pickled and called in another process, perhaps twice for one task."""

    def __call__(self, task: str, device: str) -> Ended:
        """Never raises for what is wrong with the task: that is told in what it returns."""
        ...


class Engine(Protocol):
    """Made with the options of `--workers`, `--device` and `--address`."""

    def __init__(self, workers: int = 0, device: str = "auto", address: str | None = None) -> None: ...

    def run(self, job: Job, tasks: Sequence[str]) -> Generator[Ended, None, None]:
        """Begins the tasks in order and yields each as it ends, each once. What was begun is stopped when the caller
        leaves off. A worker that is lost costs its task another try, then a problem, never the run."""
        ...


engines: Catalog[Engine] = Catalog(
    "engine",
    "vidmem.engines",
    {
        "local": "vidmem.evaluation.engines.local:Local",  # processes of this machine
        "ray": "vidmem.evaluation.engines.ray:Ray",  # a cluster; extra `cluster`
    },
)
