"""Metrics: plain functions of what is true and what was answered.

To add one: write the function in vidmem/metrics/NAME.py and its line in the table.
"""

from __future__ import annotations

from vidmem.catalog import Catalog

metrics: Catalog[float] = Catalog(
    "metric",
    "vidmem.metrics",
    {
        "J": "vidmem.metrics.region:jaccard",  # shared pixels over joint pixels, DAVIS
    },
)
