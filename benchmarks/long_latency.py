"""What a frame takes after 5,000 frames and after 100, for every tracker card.

    python benchmarks/long_latency.py [--frames 5000] [--early 100] [--trackers sam2,samurai,…] [--size 128]

A state is a value, so the one after 100 frames is kept, and in the end both are taken one frame further, in turns, over
and over: whatever else the machine does touches both alike. The clip is the drawn koi, to and fro. Speed is processor
time, its median. The last line is one JSON object: for each tracker late / early, and the worst of them.
"""

from __future__ import annotations

import argparse
import json
import time
from statistics import median

import torch
from flat_memory import Swimming

import vidmem
from vidmem import cards, machine, states
from vidmem.compose import load_model
from vidmem.values import Frame, Prompt

BOX = (80.0, 88.0, 161.0, 239.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--early", type=int, default=100)
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--trackers", default=",".join(cards.names("trackers")))
    parser.add_argument("--model", default="nano")
    parser.add_argument("--size", type=int, default=128, help="side of the model's input grid")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(arguments.model, image_size=arguments.size, device="cpu")
    images = Swimming().drawn
    told = {}
    for name in arguments.trackers.split(","):
        tracker = vidmem.load(name, model)
        state, early = {}, None
        prompts = [Prompt(1, box=torch.tensor(BOX))]
        for number in range(arguments.frames):
            state, _ = tracker.step(state, frame_of(images, number), prompts if number == 0 else ())
            early = state if number == arguments.early else early
        assert early is not None
        spent: dict[str, list[float]] = {"early": [], "late": []}
        for turn in range(arguments.turns):
            order = [("early", early, arguments.early), ("late", state, arguments.frames)]
            for which, before, number in order if turn % 2 else reversed(order):
                frame = frame_of(images, number + 1)
                began = time.process_time()
                tracker.step(before, frame)
                spent[which].append(time.process_time() - began)
        late = median(spent["late"]) / median(spent["early"])
        told[name] = {
            "late_over_early": round(late, 4),
            "milliseconds": round(median(spent["late"]) * 1e3, 2),
            "state_bytes": [states.nbytes(early), states.nbytes(state)],
        }
        print(f"{name:20s} {told[name]}", flush=True)
    worst = max(each["late_over_early"] for each in told.values())
    print(
        json.dumps(
            {
                "worst_late_over_early": worst,
                "trackers": told,
                "frames": arguments.frames,
                "early": arguments.early,
                "model": arguments.model,
                "side": arguments.size,
                "machine": machine.described(),
            }
        )
    )


def frame_of(images: list[torch.Tensor], number: int) -> Frame:
    around = number % (2 * len(images) - 2)
    return Frame(number, images[min(around, 2 * len(images) - 2 - around)])


if __name__ == "__main__":
    main()
