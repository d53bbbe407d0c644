"""The picture of a needle test: a cell for every length and depth, green where it was found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vidmem.saving import replacing

if TYPE_CHECKING:
    from vidmem.needle.trial import Found


def draw_heat(found: Sequence[Found], path: Path, title: str) -> None:
    """Draws into a PNG. Raises InputError when the file cannot be written."""
    draw_heats({title: found}, path)


def draw_heats(panels: dict[str, Sequence[Found]], path: Path) -> None:
    """Several tests side by side, of the same cells."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.2 + 4.4 * len(panels), 3.6), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    image = None
    for axes, (title, found) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        lengths, depths = sorted({each.length for each in found}), sorted({each.depth for each in found})
        table = np.full((len(depths), len(lengths)), np.nan)
        for each in found:
            table[depths.index(each.depth), lengths.index(each.length)] = each.score
        image = axes.imshow(table, cmap="RdYlGn", vmin=0, vmax=1, aspect="auto")
        every = -(-len(lengths) // 10)
        axes.set_xticks(range(0, len(lengths), every), [str(each) for each in lengths[::every]], fontsize=7)
        axes.set_yticks(range(len(depths)), [f"{each} %" for each in depths], fontsize=7)
        axes.set_xlabel("seconds of hay", fontsize=8)
        axes.set_title(f"{title}\nmean {np.nanmean(table):.2f}", fontsize=9, loc="left")
    figure.axes[0].set_ylabel("depth of the needle", fontsize=8)
    if image is not None:
        figure.colorbar(image, ax=figure.axes, shrink=0.9, label="score")
    with replacing(path) as file:
        figure.savefig(file, format="png")
