"""The charts of the page, as pictures to be set into it: a bar a sequence, and each sequence over its frames."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vidmem.evaluation.plain import values_of
from vidmem.evaluation.record import Record
from vidmem.evaluation.report.sketch import colour_of_object
from vidmem.evaluation.report.wording import main_measure, percent, ranked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BARS = 120  # sequences a chart of bars can show legibly
MOST_CURVES = 48
COLUMNS = 3  # at most
INK, MUTED, RULE, BAR = "#1d2733", "#66717f", "#e3e7ec", "#3b6fb6"
BAD, FAIR, GOOD = "#c8553d", "#d9a441", "#3b8f6b"
FONT: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "svg.fonttype": "path",
    "text.color": INK,
    "axes.labelcolor": MUTED,
}


def bars(report: Mapping[str, Any]) -> bytes | None:
    """SVG: a bar for each sequence by the main measure, dots for the others of the same kind, the worst on top."""
    measure = main_measure(report["metrics"])
    names = ranked(report)[:MOST_BARS]
    if measure is None or not names:
        return None
    values = [report["sequences"][name].get(measure) or 0.0 for name in names]
    parts = [each for each in measure.split("&") if each in report["metrics"]] if "&" in measure else []
    with _style():
        figure, axes = _figure(9.6, 0.9 + 0.27 * len(names))
        rows = np.arange(len(names))
        axes.barh(rows, values, height=0.62, color=[colour_of(value) for value in values], zorder=2)
        for part, marker in zip(parts, "o|", strict=False):
            dots = [report["sequences"][name].get(part) for name in names]
            place = [math.nan if each is None else each for each in dots]
            axes.scatter(place, rows, marker=marker, s=26 if marker == "|" else 16, color=INK, zorder=3, label=part)
        for row, value in zip(rows, values, strict=True):
            axes.text(1.015, row, percent(value), va="center", fontsize=8.5, color=INK, clip_on=False)
        axes.axvline(report["metrics"][measure], color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=4)
        axes.text(
            report["metrics"][measure],
            -0.85,
            f"all: {percent(report['metrics'][measure])}",
            ha="center",
            va="bottom",
            fontsize=8,
            color=INK,
        )
        axes.set_yticks(rows, names, fontsize=8.5)
        axes.set_ylim(len(names) - 0.4, -0.8)
        _fractions(axes.xaxis, axes.set_xlim)
        axes.grid(axis="x", color=RULE, linewidth=0.8, zorder=0)
        axes.tick_params(length=0, labelsize=8.5)
        axes.tick_params(axis="x", colors=MUTED)
        if parts:
            axes.legend(
                loc="lower right", bbox_to_anchor=(1, 1), ncols=len(parts), fontsize=8, frameon=False, handletextpad=0.1
            )
        return _svg(figure)


def curves(report: Mapping[str, Any], records: Sequence[Record]) -> bytes | None:
    """SVG: for each sequence a small chart of its main measure over the scored frames, a line an object."""
    by_name = {each.sequence: each for each in records}
    names = ranked(report)[:MOST_CURVES]
    per_frame = frame_measure(by_name[names[0]]) if names else None
    if per_frame is None:
        return None
    columns = min(COLUMNS, len(names))
    lines = math.ceil(len(names) / columns)
    with _style():
        figure, _ = _figure(9.6, 0.3 + 1.28 * lines, bare=True)
        grid = figure.subplots(lines, columns, squeeze=False, sharey=True)
        for place, name in zip(grid.flat, names, strict=False):
            _curve(place, report, by_name[name], per_frame)
        for place in list(grid.flat)[len(names) :]:
            place.set_axis_off()
        return _svg(figure)


def _curve(axes: Axes, report: Mapping[str, Any], record: Record, measure: str) -> None:
    several = len(record.scores) > 1
    for object_id, said in record.scores.items():
        values = values_of(said.get(measure, [])).astype(float)
        colour = tuple(0.8 * each / 255 for each in colour_of_object(int(object_id))) if several else BAR
        frames = np.arange(1, len(values) + 1)
        axes.plot(frames, values, color=colour, linewidth=1.2)
        if not several:
            axes.fill_between(frames, values, color=colour, alpha=0.13, linewidth=0)
    whole = report["sequences"][record.sequence].get(measure)
    axes.set_title(record.sequence, loc="left", fontsize=8.5, pad=3, color=INK)
    axes.set_title("" if whole is None else percent(whole), loc="right", fontsize=8.5, pad=3, color=MUTED)
    _fractions(axes.yaxis, axes.set_ylim)
    axes.set_yticks([0, 0.5, 1])
    axes.margins(x=0)
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.tick_params(length=0, labelsize=7, colors=MUTED)


def frame_measure(record: Record) -> str | None:
    """What is drawn over time: J where there is one, else the first that has a value for each frame."""
    of_object, first = next(iter(record.scores.items()), ("", None))
    if not first or not of_object.lstrip("-").isdigit():  # scores of the whole video
        return None
    return "J" if "J" in first else next(iter(first))


def colour_of(value: float) -> str:
    """Red, amber or green: below a half, below three quarters, above."""
    return BAD if value < 0.5 else FAIR if value < 0.75 else GOOD


def _fractions(axis: Any, limit: Any) -> None:
    from matplotlib.ticker import PercentFormatter

    limit(0, 1.005)
    axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=""))


def _style() -> Any:
    import matplotlib

    return matplotlib.rc_context(FONT)


def _figure(width: float, height: float, bare: bool = False) -> tuple[Figure, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)  # a canvas of its own: pyplot's global state and the user's backend stay untouched
    if bare:
        return figure, None
    axes = figure.subplots()
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    return figure, axes


def _svg(figure: Figure) -> bytes:
    for axes in figure.axes:
        axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    written = io.BytesIO()
    figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    return written.getvalue()
