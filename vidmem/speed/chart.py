"""A picture of a race: what each side took, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

PALETTE = ("#0f766e", "#c2410c", "#1d4ed8", "#a21caf", "#65a30d", "#854d0e")


def draw(
    path: Path,
    latencies: Mapping[str, Sequence[float]],
    memory: Mapping[str, Sequence[int]],
    title: str,
    floor: float | None = None,
) -> None:
    """Milliseconds of each side against the frame, and below the bytes of our states. `floor`: the roofline, in ms.

    The first frame is left out: the reference answers its prompts before.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    for colour, (name, each) in zip(PALETTE * len(latencies), latencies.items(), strict=False):
        above.plot(range(1, len(each)), [1e3 * value for value in each[1:]], color=colour, linewidth=1.4, label=name)
    if floor is not None:
        above.axhline(floor, color="#444444", linestyle=":", linewidth=1, label="roofline")
    above.set(ylabel="milliseconds a frame", title=title, ylim=(0, None))
    above.legend(frameon=False, fontsize=9)
    for colour, (name, each) in zip(PALETTE * len(memory), memory.items(), strict=False):
        below.plot([value / 2**20 for value in each], color=colour, linewidth=1.4, label=name)
    below.set(ylabel="memory, MiB", xlabel="frame", ylim=(0, None))
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    figure.savefig(path, dpi=140)
