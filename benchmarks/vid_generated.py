"""What memory brings to detection: MAMBA, SELSA-like aggregation, a sliding window and single frames, on drawn video.

    python benchmarks/vid_generated.py [--out runs/vid-generated] [--seeds 3] [--one-base] [--on test]

For each seed a base is trained without memory (configs/nano-detector-base.toml). Over it, frozen: a head without
memory, one with SELSA's aggregation and one with MAMBA's, for the same steps on the same frames
(configs/nano-detector.toml). The window asks MAMBA's weights with another bank, and so does selsa-projected: SELSA with
values and result projected, as MMTracking has it, is of MAMBA's form. All are scored by fixed IoU 0.5, by the online
protocol and by the paper's, on drawn videos by which nothing was chosen; --on val scores those by which set-ups are
chosen. With --one-base all seeds share the first base, which takes less time. Whatever is done is kept in --out and
not done again, and what was cut off is gone on with. The last line is one JSON object: AP50 of the online protocol,
means over seeds with their deviations, and the rest beside it, with the minutes of one core that each part took.
"""

from __future__ import annotations

import argparse
import json
import time
import tomllib
from collections.abc import Callable, Mapping
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
from vidmem.training.detection.loop import RESULT, told, train
from vidmem.training.detection.recipe import DetectorRecipe, build
from vidmem.videos import open_dataset
from vidmem.videos.write_vid import TEST, write_vid

HEADS = {"single": "none", "selsa": "selsa", "mamba": "geo"}
PLAIN = {"bank.enhanced": False}  # rows are kept as they were before they were enhanced
ROWS: dict[str, tuple[str, tuple[str, Any, dict[str, Any]]]] = {  # name -> head, and card, protocol, settings
    "single": ("single", ("single", "online", {})),
    "window": ("mamba", ("window", "online", {})),
    "selsa": ("selsa", ("selsa", "online", {})),
    "mamba": ("mamba", ("mamba", "online", {})),
    "mamba-plain": ("mamba", ("mamba", "online", PLAIN)),
    "selsa-projected": ("mamba", ("selsa", "online", {})),
    "selsa-paper": ("selsa", ("selsa", "paper", {})),
    "selsa-projected-paper": ("mamba", ("selsa", "paper", {})),
    "mamba-paper": ("mamba", ("mamba", "paper", {})),
}
FIRST = ("single", "selsa", "mamba")


def recipe(name: str, seed: int, drawn: Path, **changes: Any) -> DetectorRecipe:
    place = cards.find("configs", name)
    made = build(tomllib.loads(place.read_text()), str(place))
    data = tuple(replace(each, root=str(drawn)) for each in made.data)
    return replace(made, seed=seed, data=data, **changes)


class Clock:
    """Seconds of the processor by part, kept in a file, so that a run that was cut off knows them all."""

    def __init__(self, place: Path):
        self.place = place
        self.spent: dict[str, float] = json.loads(place.read_text()) if place.is_file() else {}

    def took(self, part: str, seconds: float) -> None:
        self.spent[part] = round(self.spent.get(part, 0.0) + seconds, 1)
        self.place.write_text(json.dumps(self.spent))

    def timed(self, part: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        said = work()
        self.took(part, time.process_time() - began)
        return said

    def minutes(self) -> dict[str, float]:
        return {part: round(each / 60, 1) for part, each in self.spent.items()}


def trained(out: Path, made: DetectorRecipe, looked: dict[Any, Looked] | None, clock: Clock) -> None:
    """Train one detector, or go on with it."""
    done = out / "done.json"
    if done.is_file():
        return
    train(made, out, report=partial(print, out.parent.name, out.name, flush=True), device="cpu", looked=looked)
    seconds = sum(each["cpu"] for each in told(out))  # of all legs
    clock.took("bases" if made.numbers["attention"] == "none" and not made.freeze else "heads", seconds)
    done.write_text(json.dumps({"seconds": round(seconds, 1)}))


def looks(base: Path, drawn: Path) -> dict[str, dict[int, Looked]]:
    """What the first stage makes of every frame that is scored: it is the same under every head."""
    detector = checkpoints.load(base)
    with torch.inference_mode():
        return {
            video.name: {frame.index: detector.look([frame.image])[0] for frame in video.frames()}
            for video in open_dataset("imagenet_vid", drawn, "val")
        }


def scored(
    out: Path, weights: Path, asked: tuple[str, Any, dict[str, Any]], drawn: Path, seed: int, looked: Any, clock: Clock
) -> Mapping[str, float]:
    """AP of all objects and of slow, medium and fast ones. asked: a card, a protocol, settings."""
    card, protocol, settings = asked
    kept = out.with_suffix(".scores.json")

    def work() -> dict[str, float]:
        dataset = open_dataset("imagenet_vid", drawn, "val")
        detector = load(card, str(weights), settings=settings)
        known = looked()
        found = detect_dataset(detector, dataset, out, protocol=protocol, seed=seed, resume=True, looked=known)
        plan, counting = Plan("imagenet_vid", str(drawn), "val", results=str(found)), ImagenetVid(mode="fixed")
        videos = {video.name: dict(score_detections(plan, video, counting, found)) for video in dataset}
        return counting.overall(videos)

    if not kept.is_file():
        kept.write_text(json.dumps(clock.timed("scores", work)))
    scores = json.loads(kept.read_text())
    print(f"{out.parent.name} {out.name}", {name: round(each, 4) for name, each in scores.items()}, flush=True)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/vid-generated"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--one-base", action="store_true", help="All seeds share one base.")
    parser.add_argument("--on", choices=("test", "val"), default="test", help="What is scored.")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    clock = Clock(arguments.out / "seconds.json")
    drawn = clock.timed("drawing", lambda: write_vid(arguments.out / "set"))
    held_out = clock.timed("drawing", lambda: write_vid(arguments.out / "test", splits=TEST))
    scored_on = held_out if arguments.on == "test" else drawn
    seen: dict[int, dict[Any, Looked]] = {}  # of each base: what the first stage makes of what is learned from
    bases = [0 if arguments.one_base else seed for seed in range(arguments.seeds)]
    looked = {each: cache(partial(looks, arguments.out / f"base-{each}" / RESULT, scored_on)) for each in bases}
    table: dict[str, list[Mapping[str, float]]] = {}
    for rows in (FIRST, ROWS):  # what the comparison is about is there for every seed before the rest is
        for seed, of_base in enumerate(bases):
            of, base = arguments.out / f"seed-{seed}", arguments.out / f"base-{of_base}"
            of.mkdir(exist_ok=True)
            trained(base, recipe("nano-detector-base", of_base, drawn), None, clock)
            for name, attention in HEADS.items():
                made = recipe("nano-detector", seed, drawn, init=str(base / RESULT))
                made = replace(made, numbers={**made.numbers, "attention": attention})
                trained(of / name, made, seen.setdefault(of_base, {}), clock)
            for name in rows:
                (head, asked), place = ROWS[name], of / f"{arguments.on}-{name}"
                scores = scored(place, of / head / RESULT, asked, scored_on, seed, looked[of_base], clock)
                table.setdefault(name, []).append(scores)
        said = {"scored_on": arguments.on, "seeds": arguments.seeds, "processor_minutes": clock.minutes()}
        print(json.dumps({**summed(table), **said}), flush=True)
        table.clear()


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
