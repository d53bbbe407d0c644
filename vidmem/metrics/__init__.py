"""Metrics: plain functions of what is true and what was answered, and the protocols of the benchmarks made of them.

To add one: write vidmem/metrics/NAME.py and its line in the table. A metric is a function of one mask or box. A
protocol is a frozen dataclass with `score`, `summary` and `overall` (`protocol.py` says what they promise).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from vidmem.metrics.protocol import MaskProtocol

metrics: Catalog[float] = Catalog(
    "metric",
    "vidmem.metrics",
    {
        "J": "vidmem.metrics.region:jaccard",  # shared pixels over joint pixels, DAVIS
    },
)

protocols: Catalog[MaskProtocol] = Catalog(
    "protocol",
    "vidmem.protocols",
    {
        "davis2016": "vidmem.metrics.davis2016:Davis2016",  # one foreground
        "davis2017": "vidmem.metrics.davis2017:Davis2017",  # the objects of the first frame
    },
)
