"""A bridge over a long stream: the bytes of its state and the work a frame, with bounded caches and the reference's.

    python benchmarks/bridge_stream.py [--frames 10000] [--keep 16] [--plot docs/bridge-stream.png]

A drawn film without end passes the whole road: cuts are found as frames come, every scene is remembered as it ends.
All caches see the same frames in one run. Growth is the share by which the greatest size of the state (memory, cache,
open scene, cut finder) in the last 20 scenes exceeds that of 20 scenes soon after the cache is full. CPU milliseconds
are of one frame of one companion, the mean of the first tenth of the run and of the last. The last line is one JSON
object.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from vidmem.bridges import policies
from vidmem.companions.recalling import Recalling
from vidmem.companions.watching import Watcher, Watching
from vidmem.cuts.colour import Colour
from vidmem.recall.film import FRAMES, RecallFilm
from vidmem.values import Frame

WINDOW = 20 * FRAMES  # within a scene, and from merge to merge, the size goes up and down by an entry
CACHES = ("everything", "merge", "surprise", "fifo")


class Companion:
    """One cache on its way through the film."""

    def __init__(self, name: str, keep: int):
        policy = policies[name]() if name == "everything" else policies[name](keep=keep)
        self.name = name if name == "everything" else f"{name}, {keep} kept"
        self.watcher = Watcher(Recalling(policy), Colour())
        self.state: Watching = self.watcher.start()
        self.sizes: list[int] = []
        self.seconds: list[float] = []

    def step(self, frame: Frame) -> None:
        started = time.process_time()
        self.state, _ = self.watcher.step(self.state, frame)
        self.seconds.append(time.process_time() - started)
        self.sizes.append(self.state.nbytes)

    def account(self, settled: int) -> dict[str, float | int]:
        """What is printed of it."""
        tenth = len(self.seconds) // 10
        ends = np.array(self.sizes[FRAMES - 1 :: FRAMES], float)  # at the same moment of every scene
        slope, level = np.polyfit(np.arange(len(ends)), ends, 1)
        residue = ends - (level + slope * np.arange(len(ends)))
        return {
            "bytes": self.sizes[-1],
            "peak_bytes": max(self.sizes),
            "growth": round(max(self.sizes[-WINDOW:]) / max(self.sizes[settled : settled + WINDOW]) - 1, 4),
            "bytes_a_scene": round(float(slope), 1),
            "straightness": round(float(1 - residue.var() / ends.var()) if ends.var() else 1.0, 5),
            "ms_first": round(1000 * float(np.mean(self.seconds[:tenth])), 3),
            "ms_last": round(1000 * float(np.mean(self.seconds[-tenth:])), 3),
            "scenes": self.state.scenes,
        }


def plot(companions: list[Companion], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.8), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    size, work = figure.subplots(1, 2)
    for each in companions:
        style = {"linewidth": 1.7, "label": each.name} | ({"color": "#c44e52"} if each.name == "everything" else {})
        frames = np.arange(len(each.sizes))
        size.plot(frames, np.array(each.sizes) / 2**10, **style)
        window = max(1, len(frames) // 50)
        means = [1000 * np.mean(each.seconds[i : i + window]) for i in range(0, len(frames) - window + 1, window)]
        work.plot(frames[window - 1 :: window][: len(means)], means, **style)
    size.set_ylabel("state, KiB")
    work.set_ylabel("CPU, ms a frame")
    for axes in (size, work):
        axes.set_xlabel("frames streamed")
        axes.set_ylim(0)
        axes.grid(axis="y", color="#e8e8e8", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    size.legend(fontsize=9, frameon=False)
    size.set_title("what is held", loc="left", fontsize=10)
    work.set_title("what a frame costs", loc="left", fontsize=10)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--keep", type=int, default=16)
    parser.add_argument("--plot", type=Path, help="also draw both curves here")
    arguments = parser.parse_args()
    settled = FRAMES * (arguments.keep + 4)
    least = settled + 2 * WINDOW
    if arguments.frames < least:
        parser.error(f"--frames must be {least} or more: growth is measured from frame {settled} on.")
    torch.set_num_threads(1)
    companions = [Companion(name, arguments.keep) for name in CACHES]
    for frame in RecallFilm(-(-arguments.frames // FRAMES)).between(0, arguments.frames):
        first = frame.index % len(companions)  # in turn, since who comes behind the large one finds a cold cache
        for each in (*companions[first:], *companions[:first]):
            each.step(frame)
        if (frame.index + 1) % 1000 == 0:
            held = "  ".join(f"{each.name} {each.sizes[-1] / 1024:.0f} KiB" for each in companions)
            print(f"frame {frame.index + 1}  {held}", flush=True)
    if arguments.plot:
        plot(companions, arguments.plot)
    accounts = {each.name: each.account(settled) for each in companions}
    print(json.dumps({"frames": arguments.frames, "caches": accounts}))


if __name__ == "__main__":
    main()
