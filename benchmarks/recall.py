"""Recall far beyond the training length: what the embedded bridge still knows of films of 4 to 128 scenes.

    python benchmarks/recall.py [--films 64] [--plot docs/recall.png]
    python benchmarks/recall.py --train runs/recall        (teaches the three students first; minutes on one core)

Films were taught with 4 to 16 scenes. Beside the whole bridge stand two students with less memory, which began with its
weights and were taught on: without retrieval (only the memory tokens go from scene to scene), and without memory. Below
them, the whole bridge with caches that hold 16 scenes at most. The share of right answers is over questions about
objects that did appear, never in the last scene; guessing is right 1 time in 8 for which and when, 1 in 4 for where.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from vidmem.bridges import policies
from vidmem.cards import beside
from vidmem.recall.embedded import load_student, save_student
from vidmem.recall.exam import accuracy
from vidmem.recall.lessons import Plan, make_pool, teach
from vidmem.recall.student import Memory

LENGTHS = (4, 8, 16, 32, 64, 128)
TAUGHT = 16  # scenes of the longest film of the course
KEEP = 16
MORE_STEPS: dict[Memory, int] = {"recurrence": 600, "none": 200}
STYLES = {
    "whole": ("#1b7837", "-"),
    "without retrieval": ("#d95f02", "-"),
    "without memory": ("#7f7f7f", "-"),
    "merge": ("#2166ac", "--"),
    "surprise": ("#9970ab", ":"),
    "fifo": ("#8c510a", "--"),
}


def train(folder: Path) -> None:
    """Teaches the three students; goes on where it was broken off. -> FOLDER/NAME.safetensors"""
    folder.mkdir(parents=True, exist_ok=True)
    whole = teach("retrieval", folder / "retrieval.pt", Plan())
    save_student(whole, folder / "recall.safetensors")
    for memory, steps in MORE_STEPS.items():
        student = teach(memory, folder / f"{memory}.pt", replace(Plan(), steps=steps), begin=whole)
        save_student(student, folder / f"{memory}.safetensors")


def measure(folder: Path | None, films: int) -> dict[str, dict[int, dict[str, float]]]:
    """Name -> number of scenes -> shares of right answers."""
    everything, curves = policies["everything"](), {}
    students = {"whole": load_student(everything, folder / "recall.safetensors" if folder else None)}
    for name in ("recurrence", "none"):
        path = (folder / f"{name}.safetensors") if folder else beside("weights", f"recall-{name}.safetensors")
        words = {"recurrence": "without retrieval", "none": "without memory"}[name]
        students[words] = load_student(everything, path)
    for name in ("merge", "surprise", "fifo"):
        students[f"{name}, {KEEP} kept"] = load_student(
            policies[name](keep=KEEP), folder / "recall.safetensors" if folder else None
        )
    pool = make_pool(students["whole"].eye, np.random.default_rng(991), 16)  # other scenes than were learned from
    for name, student in students.items():
        curves[name] = {}
        for scenes in LENGTHS:
            shares = accuracy(student, pool, scenes, films)
            curves[name][scenes] = {key: round(value, 4) for key, value in shares.items()}
        print(f"{name:22s}", "  ".join(f"{n}: {each['all']:.3f}" for n, each in curves[name].items()), flush=True)
    return curves


def plot(curves: dict[str, dict[int, dict[str, float]]], path: Path) -> None:
    """Accuracy by length, all questions, then each kind of question."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 3.9), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    titles = {
        "all": "all questions",
        "which": "which object was there?",
        "where": "where was it?",
        "when": "what came n-th?",
    }
    for axes, (kind, title) in zip(figure.subplots(1, 4, sharey=True), titles.items(), strict=True):
        axes.axvspan(4, TAUGHT, color="#f0f0e4", linewidth=0)
        for name, curve in curves.items():
            colour, line = STYLES[name.split(",")[0]]
            shares = [each[kind] for each in curve.values()]
            axes.plot(list(curve), shares, line, color=colour, marker="o", markersize=3.5, linewidth=1.5, label=name)
        axes.set_xscale("log", base=2)
        axes.set_xticks(LENGTHS, [str(each) for each in LENGTHS])
        axes.set_ylim(0, 1.03)
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_xlabel("scenes in the film", fontsize=9)
        axes.grid(axis="y", color="#e8e8e8", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].text(8, 0.03, "lengths\ntaught", fontsize=8, ha="center", color="#8a8a60")
    figure.axes[0].set_ylabel("right answers", fontsize=9)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, fontsize=9, frameon=False)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=64, help="of each length")
    parser.add_argument("--train", type=Path, metavar="FOLDER", help="teach first, into this folder")
    parser.add_argument("--plot", type=Path, help="also draw the curves here")
    arguments = parser.parse_args()
    if arguments.films < 1:
        parser.error("--films must be 1 or more.")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    started = time.process_time()
    if arguments.train:
        train(arguments.train)
    curves = measure(arguments.train, arguments.films)
    if arguments.plot:
        plot(curves, arguments.plot)
    spent = round(time.process_time() - started, 1)
    print(json.dumps({"accuracy": curves, "films": arguments.films, "taught_to": TAUGHT, "cpu_s": spent}))


if __name__ == "__main__":
    main()
