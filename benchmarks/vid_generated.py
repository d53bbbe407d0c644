"""What memory brings to detection: MAMBA, SELSA-like aggregation, a sliding window and single frames, on drawn video.

    python benchmarks/vid_generated.py [--out runs/vid-generated] [--seeds 3]

For each seed a base is trained without memory (configs/nano-detector-base.toml); then from it, for the same steps each,
a head without memory, one with SELSA's aggregation and one with MAMBA's (configs/nano-detector.toml). The window asks
MAMBA's weights with another bank. All are scored on the drawn set's 24 videos of `val`, fixed IoU 0.5, by the online
protocol and by the paper's. Whatever is done is kept in --out and not done again. The last line is one JSON object:
AP50 of the online protocol, means over seeds with their deviations, and the rest beside it.
"""

from __future__ import annotations

import argparse
import json
import time
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from vidmem import cards
from vidmem.compose_detector import load
from vidmem.evaluation.detect import detect_dataset
from vidmem.evaluation.detections import score_detections
from vidmem.evaluation.plan import Plan
from vidmem.metrics.imagenet_vid import ImagenetVid
from vidmem.training.detection.loop import RESULT, train
from vidmem.training.detection.recipe import DetectorRecipe, build
from vidmem.videos import open_dataset
from vidmem.videos.write_vid import write_vid

HEADS = {"single": "none", "selsa": "selsa", "mamba": "geo"}
ROWS = (("single", "online"), ("window", "online"), ("selsa", "online"), ("mamba", "online"))
OFFLINE = (("selsa", "paper"), ("mamba", "paper"))


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


def trained(out: Path, made: DetectorRecipe) -> float:
    """CPU seconds of the training of one detector."""

    def work() -> float:
        began = time.process_time()
        train(made, out, report=lambda line: print(f"{out.name}  {line}", flush=True), device="cpu")
        return time.process_time() - began

    return once(out.with_suffix(".seconds.json"), work)


def scored(out: Path, card: str, weights: Path, protocol: Any, drawn: Path, seed: int) -> Mapping[str, float]:
    """AP of all objects and of slow, medium and fast ones."""

    def work() -> dict[str, float]:
        dataset = open_dataset("imagenet_vid", drawn, "val")
        found = detect_dataset(load(card, str(weights)), dataset, out, protocol=protocol, seed=seed, resume=True)
        plan, counting = Plan("imagenet_vid", str(drawn), "val", results=str(found)), ImagenetVid(mode="fixed")
        videos = {video.name: score_detections(plan, video, counting, found) for video in dataset}
        return counting.overall(videos)

    scores = once(out.with_suffix(".scores.json"), work)
    print(out.name, {name: round(each, 4) for name, each in scores.items()}, flush=True)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/vid-generated"))
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    drawn = write_vid(arguments.out / "set")
    table: dict[str, list[Mapping[str, float]]] = {}
    seconds = []
    for seed in range(arguments.seeds):
        of = arguments.out / f"seed-{seed}"
        of.mkdir(exist_ok=True)
        spent = trained(of / "base", recipe("nano-detector-base", seed, drawn))
        for name, attention in HEADS.items():
            init = str(of / "base" / RESULT)
            made = recipe("nano-detector", seed, drawn, numbers={"attention": attention}, init=init)
            spent += trained(of / name, made)
        seconds.append(spent)
        for card, protocol in (*ROWS, *OFFLINE):
            weights = of / ("mamba" if card == "window" else card) / RESULT
            scores = scored(of / f"{card}-{protocol}", card, weights, protocol, drawn, seed)
            table.setdefault(card if protocol == "online" else f"{card}-paper", []).append(scores)
    means = {name: round(mean(each["AP"] for each in rows), 4) for name, rows in table.items()}
    every = {
        name: {
            kind: [round(mean(values), 4), round(stdev(values), 4) if len(values) > 1 else 0.0]
            for kind in rows[0]
            if (values := [each[kind] for each in rows])
        }
        for name, rows in table.items()
    }
    deviations = {name: every[name]["AP"][1] for name in means}
    print(
        json.dumps(
            {
                **means,
                "deviations": deviations,
                "by_speed": every,
                "training_cpu_minutes": [round(each / 60, 2) for each in seconds],
            }
        )
    )


if __name__ == "__main__":
    main()
