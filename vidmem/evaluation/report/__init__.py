"""The report of an evaluation: report.json for machines, report.html and report.md for people. Made of records alone,
so that a run that was killed and gone on with has the report of one that was not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vidmem.evaluation.plan import Plan
from vidmem.evaluation.record import Record, finite
from vidmem.evaluation.report.assemble import assemble
from vidmem.evaluation.report.markdown import to_markdown
from vidmem.evaluation.report.page import to_page
from vidmem.evaluation.report.strips import draw_strips
from vidmem.evaluation.store import Store
from vidmem.videos import Dataset


def write_report(
    plan: Plan, dataset: Dataset, protocol: Any, records: Sequence[Record], store: Store
) -> dict[str, Any]:
    """Writes the three files into the store, and returns what report.json holds."""
    report = finite(assemble(plan, dataset, protocol, records))
    strips = draw_strips(plan, dataset, report, store)
    store.write("report.html", to_page(report, records, strips).encode())
    store.write("report.md", to_markdown(report).encode())
    store.write(
        "report.json", json.dumps(report, indent=1, allow_nan=False).encode()
    )  # last: it says the rest is there
    return report
