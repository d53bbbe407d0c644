"""What a frame takes after 5,000 frames and after 100, for every tracker card.

    python benchmarks/long_latency.py [--frames 5000] [--early 100] [--trackers sam2,samurai,…] [--size S] [--out FILE]

A state is a value, so the one after 100 frames is kept, and in the end an old and a young stream are taken one frame
further, frame by frame in turns, in one process: whatever else the machine does touches both alike. Each pair gives one
ratio of processor time; told is the median of them, and how far it may be off (1.25 interquartile ranges / sqrt(pairs):
two standard errors of a median). On the way there each picture is encoded once; what is timed encodes. The clip is the
drawn koi, to and fro. With --out a run that is broken off goes on where it was: cards that are in the file are left
out. The last line is one JSON object: for each tracker late / early, and the worst of them.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles

import torch
from counted import Counted
from flat_memory import Swimming

import vidmem
from vidmem import cards, machine, states
from vidmem.compose import backbone_of, load_model
from vidmem.emission import State
from vidmem.errors import UsageError
from vidmem.models import Model
from vidmem.tracker import Tracker
from vidmem.values import Features, Frame, Prompt

BOX = (80.0, 88.0, 161.0, 239.0)


class Once(Counted):
    """A model that encodes each picture of a clip once."""

    def encode(self, frame: Frame) -> Features:
        known = self.__dict__.setdefault("known", {})
        place = frame.image.data_ptr()
        if place not in known:
            known[place] = self.model.encode(frame)
        return replace(known[place], frame=frame.index)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--early", type=int, default=100)
    parser.add_argument("--turns", type=int, default=120, help="pairs of frames that are timed")
    parser.add_argument("--trackers", default=",".join(cards.names("trackers")))
    parser.add_argument(
        "--model", default="nano", help="toy: one that costs next to nothing, so that policies are seen"
    )
    parser.add_argument("--size", type=int, default=128, help="side of the model's input grid")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sized = {} if arguments.model == "toy" else {"image_size": arguments.size, "precision": "exact"}
    model = load_model(arguments.model, device="cpu", **sized)
    told: dict = {
        "worst_late_over_early": None,
        "trackers": {},
        "frames": arguments.frames,
        "early": arguments.early,
        "turns": arguments.turns,
        "model": arguments.model,
        "side": model.spec.input_size[0],
        "machine": machine.described(),
    }
    if arguments.out and arguments.out.exists():
        before = json.loads(arguments.out.read_text())
        if all(before.get(key) == told[key] for key in ("frames", "early", "turns", "model", "side")):
            told = before
    images = Swimming().drawn
    going = Once(model)
    for name in arguments.trackers.split(","):
        if name in told["trackers"]:
            continue
        try:
            told["trackers"][name] = measured(name, model, going, images, arguments)
        except UsageError as reason:  # the toy cannot do everything: measure such a card with nano
            told.setdefault("left_out", {})[name] = str(reason)
            print(f"{name:20s} left out: {reason}", flush=True)
            continue
        told["worst_late_over_early"] = max(each["late_over_early"] for each in told["trackers"].values())
        print(f"{name:20s} {told['trackers'][name]}", flush=True)
        if arguments.out:
            arguments.out.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told))


def measured(name: str, model: Model, going: Once, images: list[torch.Tensor], arguments: argparse.Namespace) -> dict:
    """A card's stream is taken to the end, then two streams in turns."""
    # Trained codings read nano's features alone; the toy has others, and the coding that wants no training.
    untrained = {"coding.name": "cells"} if arguments.model == "toy" and backbone_of(name) else None
    tracker = vidmem.load(name, model, settings=untrained)
    state: State = {}
    early: State | None = None
    prompts = [Prompt(1, box=torch.tensor(BOX))]
    for number in range(arguments.frames):
        told = prompts if number == 0 else ()
        state, _ = replace(tracker, model=going).step(state, frame_of(images, number), told)
        early = state if number == arguments.early else early
    assert early is not None
    return timed(tracker, images, early, state, arguments)


def timed(
    tracker: Tracker, images: list[torch.Tensor], early: State, late: State, arguments: argparse.Namespace
) -> dict:
    """Two streams go on from there, in turns."""
    spent: dict[str, list[float]] = {"early": [], "late": []}
    where = {"early": (early, arguments.early), "late": (late, arguments.frames - 1)}
    for turn in range(arguments.turns):
        for which in ("early", "late") if turn % 2 else ("late", "early"):
            state, number = where[which]
            frame = frame_of(images, number + 1)
            began = time.process_time()
            state, _ = tracker.step(state, frame)
            spent[which].append(time.process_time() - began)
            where[which] = state, number + 1
    ratios = [old / young for old, young in zip(spent["late"], spent["early"], strict=True)]
    low, _, high = quantiles(ratios, n=4)
    return {
        "late_over_early": round(median(ratios), 4),
        "give_or_take": round(1.25 * (high - low) / len(ratios) ** 0.5, 4),
        "milliseconds": round(median(spent["late"]) * 1e3, 2),
        "state_bytes": [states.nbytes(early), states.nbytes(late)],
    }


def frame_of(images: list[torch.Tensor], number: int) -> Frame:
    around = number % (2 * len(images) - 2)
    return Frame(number, images[min(around, 2 * len(images) - 2 - around)])


if __name__ == "__main__":
    main()
