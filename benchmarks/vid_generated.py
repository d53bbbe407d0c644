"""What memory brings to detection: MAMBA, SELSA-like aggregation, a sliding window and single frames, on drawn video.

    python benchmarks/vid_generated.py [--out runs/vid-generated] [--seeds 3] [--own-bases]

A base is trained without memory (configs/nano-detector-base.toml). Over it, frozen, and for each seed: a head without
memory, one with SELSA's aggregation and one with MAMBA's, for the same steps (configs/nano-detector.toml). The window
asks MAMBA's weights with another bank. All are scored on the videos of the drawn set's `val`, fixed IoU 0.5, by the
online protocol and by the paper's. With --own-bases each seed has a base of its own too, which takes as many times
longer. Whatever is done is kept in --out and not done again. The last line is one JSON object: AP50 of the online
protocol, means over seeds with their deviations, and the rest beside it.
"""

from __future__ import annotations

import argparse
import json
import time
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from vidmem import cards
from vidmem.compose_detector import load
from vidmem.detectors import checkpoints
from vidmem.detectors.detector import Looked
from vidmem.evaluation.detect import detect_dataset
from vidmem.evaluation.detections import score_detections
from vidmem.evaluation.plan import Plan
from vidmem.metrics.imagenet_vid import ImagenetVid
from vidmem.training.detection.loop import RESULT, train
from vidmem.training.detection.recipe import DetectorRecipe, build
from vidmem.videos import open_dataset
from vidmem.videos.write_vid import write_vid

HEADS = {"single": "none", "selsa": "selsa", "mamba": "geo"}
PLAIN = {"bank.enhanced": False}  # rows are kept as they were before they were enhanced
ROWS: dict[str, tuple[str, tuple[str, Any, dict[str, Any]]]] = {  # name -> head, and card, protocol, settings
    "single": ("single", ("single", "online", {})),
    "window": ("mamba", ("window", "online", {})),
    "selsa": ("selsa", ("selsa", "online", {})),
    "mamba": ("mamba", ("mamba", "online", {})),
    "mamba-plain": ("mamba", ("mamba", "online", PLAIN)),
    "selsa-paper": ("selsa", ("selsa", "paper", {})),
    "mamba-paper": ("mamba", ("mamba", "paper", {})),
    "mamba-plain-paper": ("mamba", ("mamba", "paper", PLAIN)),
}


def recipe(name: str, seed: int, drawn: Path, **changes: Any) -> DetectorRecipe:
    place = cards.find("configs", name)
    made = build(tomllib.loads(place.read_text()), str(place))
    data = tuple(replace(each, root=str(drawn)) for each in made.data)
    return replace(made, seed=seed, data=data, **changes)


def once(place: Path, work: Any) -> Any:
    """What `work` returns, kept in a JSON file."""
    if not place.is_file():
        said = work()
        place.write_text(json.dumps(said))
    return json.loads(place.read_text())


def trained(out: Path, made: DetectorRecipe, looked: dict[Any, Looked] | None = None) -> float:
    """CPU seconds of the training of one detector."""

    def work() -> float:
        began = time.process_time()
        tell = partial(print, out.name, flush=True)
        train(made, out, report=tell, device="cpu", looked=looked)
        return time.process_time() - began

    return once(out.with_suffix(".seconds.json"), work)


def looks(base: Path, drawn: Path) -> dict[str, dict[int, Looked]]:
    """What the first stage makes of every frame of `val`: it is the same under every head."""
    detector = checkpoints.load(base)
    with torch.inference_mode():
        return {
            video.name: {frame.index: detector.look([frame.image])[0] for frame in video.frames()}
            for video in open_dataset("imagenet_vid", drawn, "val")
        }


def scored(
    out: Path, weights: Path, asked: tuple[str, Any, dict[str, Any]], drawn: Path, seed: int, looked: Any
) -> Mapping[str, float]:
    """AP of all objects and of slow, medium and fast ones. asked: a card, a protocol, settings."""
    card, protocol, settings = asked

    def work() -> dict[str, float]:
        dataset = open_dataset("imagenet_vid", drawn, "val")
        detector = load(card, str(weights), settings=settings)
        found = detect_dataset(detector, dataset, out, protocol=protocol, seed=seed, resume=True, looked=looked())
        plan, counting = Plan("imagenet_vid", str(drawn), "val", results=str(found)), ImagenetVid(mode="fixed")
        videos = {video.name: dict(score_detections(plan, video, counting, found)) for video in dataset}
        return counting.overall(videos)

    scores = once(out.with_suffix(".scores.json"), work)
    print(f"{out.parent.name} {out.name}", {name: round(each, 4) for name, each in scores.items()}, flush=True)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/vid-generated"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--own-bases", action="store_true", help="Train a base for each seed, not one for all.")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    drawn = write_vid(arguments.out / "set")
    table: dict[str, list[Mapping[str, float]]] = {}
    minutes: list[float] = []
    seen: dict[int, dict[Any, Looked]] = {}  # of each base
    for seed in range(arguments.seeds):
        of = arguments.out / f"seed-{seed}"
        of.mkdir(exist_ok=True)
        of_base = seed if arguments.own_bases else 0
        base = arguments.out / f"base-{of_base}"
        spent = trained(base, recipe("nano-detector-base", of_base, drawn))
        for name, attention in HEADS.items():
            made = recipe("nano-detector", seed, drawn, init=str(base / RESULT))
            made = replace(made, numbers={**made.numbers, "attention": attention})
            spent += trained(of / name, made, seen.setdefault(of_base, {}))
        minutes.append(round(spent / 60, 2))
        looked = cache(partial(looks, base / RESULT, drawn))
        for name, (head, asked) in ROWS.items():
            scores = scored(of / f"row-{name}", of / head / RESULT, asked, drawn, seed, looked)
            table.setdefault(name, []).append(scores)
        print(json.dumps({**summed(table), "seeds": seed + 1, "training_cpu_minutes": minutes}), flush=True)


def summed(table: Mapping[str, list[Mapping[str, float]]]) -> dict[str, Any]:
    """Means and deviations over seeds."""
    every = {
        name: {
            kind: [round(mean(values), 4), round(stdev(values), 4) if len(values) > 1 else 0.0]
            for kind in rows[0]
            if (values := [each[kind] for each in rows])
        }
        for name, rows in table.items()
    }
    means = {name: each["AP"][0] for name, each in every.items()}
    return {**means, "deviations": {name: each["AP"][1] for name, each in every.items()}, "by_speed": every}


if __name__ == "__main__":
    main()
