"""What a target model learned from, and what of it could not move, over a whole run."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from vidmem.memory_account import Held

Told = tuple[int, tuple[Held, ...]]  # a frame and what was held behind it


def draw_learning(told: Sequence[Told], object_id: int) -> bytes | None:
    """A PNG: above, the samples kept in each frame and which of them counted in the latest fit; below, how many did and
    what share of the parameters was frozen. None where nothing was learned.
    """
    learned = [(frame, held) for frame, held in told if any(each.kind == "filter" for each in held)]
    if not learned:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 5), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    kept, counts = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1.4]})
    points = [(frame, each) for frame, held in learned for each in held if each.kind in ("sample", "resting")]
    size = max(1.0, min(14.0, 4000 / len(learned)))
    for kind, colour, name in (("resting", "#c9c9c9", "kept, resting"), ("sample", None, "learned from")):
        chosen = [(frame, each.frame, each.weight) for frame, each in points if each.kind == kind]
        if not chosen:
            continue
        x, y, weight = zip(*chosen, strict=True)
        if colour:
            kept.scatter(x, y, s=size, color=colour, linewidths=0, label=name)
            continue
        dots = kept.scatter(x, y, s=size, c=weight, cmap="plasma_r", vmin=0, linewidths=0, label=name)
        figure.colorbar(dots, ax=kept, label="weight in the fit", pad=0.01)
    kept.set_ylabel("frame the sample is of")
    kept.set_title(f"object {object_id}: what the target model learns from", loc="left", fontsize=12)
    kept.legend(loc="upper left", fontsize=8, frameon=False, markerscale=2)
    frames = [frame for frame, _ in learned]
    active = [sum(each.kind == "sample" for each in held) for _, held in learned]
    frozen = [100 * next(each.weight for each in held if each.kind == "filter") for _, held in learned]
    (first,) = counts.plot(frames, active, color="#7b3294", linewidth=1.3, label="samples in a fit")
    counts.set_ylim(0, 1.25 * max(*active, 1))
    counts.set_ylabel("samples", fontsize=9, color="#7b3294")
    other = counts.twinx()
    (second,) = other.plot(frames, frozen, color="#d95f02", linewidth=1.3, label="parameters frozen")
    other.set_ylim(0, 1.25 * max(*frozen, 1.0))
    other.set_ylabel("frozen, %", fontsize=9, color="#d95f02")
    counts.legend(handles=[first, second], loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8, frameon=False)
    counts.set_xlabel("frame")
    for axes in (kept, counts, other):
        axes.spines["top"].set_visible(False)
    picture = BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()
