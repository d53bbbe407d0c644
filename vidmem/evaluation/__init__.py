"""Evaluation: a tracker over a data set, or results made elsewhere, to scores and a report.

    from vidmem.evaluation import Plan, evaluate
    report = evaluate(Plan("davis17", "datasets/DAVIS", tracker="sam2", model="nano"), "runs/eval/davis17")
    report["metrics"]["J&F"]

One task is one video (job.py). It is tracked into the form its benchmark wants (forms/), scored from the disk, and done
when its record is written; so a run may be killed at any moment and gone on with (worklist.py). Tasks are worked off by
an engine (engines/), processes or a Ray cluster. Records become the report (report/).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidmem.evaluation.plan import Plan
    from vidmem.evaluation.rivals import evaluate_rivals
    from vidmem.evaluation.run import Moment, evaluate, score_results

__all__ = ["Moment", "Plan", "evaluate", "evaluate_rivals", "score_results"]
_HOMES = {"Plan": "plan", "Moment": "run", "evaluate": "run", "evaluate_rivals": "rivals", "score_results": "run"}


def __getattr__(name: str) -> Any:
    """Nothing is imported until it is asked for: a worker process must set its threads before torch is."""
    if name in __all__:
        return getattr(import_module(f"vidmem.evaluation.{_HOMES[name]}"), name)
    raise AttributeError(f"vidmem.evaluation has no {name!r}. It has: {', '.join(__all__)}.")
