"""How long a step of training takes where no clip is waited for, by the size of the batch.

    python benchmarks/training_speed.py [--device cuda] [--architecture nano] [--batches 24x5,120x1] [--out FILE.json]

A batch of CLIPSxFRAMES is drawn noise with a rectangle for an object, two in each clip; steps begin with a mask, those
of single pictures with a click, a box and a correction. In bfloat16 on a GPU. Told of each: milliseconds of a step,
pictures a second, the most memory, and the seconds that the first step took. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import repeat
from pathlib import Path
from statistics import median

import numpy as np
import torch

from vidmem.training.batches import Batch
from vidmem.training.loop import Run
from vidmem.training.prompts import ask
from vidmem.training.recipe import Recipe, Stage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--architecture", default="nano")
    parser.add_argument("--batches", default="24x5,120x1")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    told: dict = {"machine": torch.cuda.get_device_name() if device.type == "cuda" else "CPU", "steps": {}}
    recipe = Recipe("speed", arguments.architecture, mixed=device.type == "cuda", stages=(Stage(10**6),))
    run = Run(recipe, device=device)
    for size in arguments.batches.split(","):
        clips, frames = map(int, size.split("x"))
        told["steps"][size] = measured(run, clips, frames, arguments.steps)
        print(size, json.dumps(told["steps"][size]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told))


def measured(run: Run, clips: int, frames: int, steps: int) -> dict[str, float]:
    given = noise(clips, frames, run.side)
    if run.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        given = given.pin_memory()
    spent = []
    for _ in range(steps + 2):
        began = time.perf_counter()
        run.learn((), 0.5, ready=iter(repeat(given)))
        if run.device.type == "cuda":
            torch.cuda.synchronize()
        spent.append(time.perf_counter() - began)
    seconds = median(spent[2:])
    told = {"ms": round(seconds * 1e3, 1), "pictures_a_second": round(clips * frames / seconds, 1)}
    if run.device.type == "cuda":
        told["GB"] = round(torch.cuda.max_memory_allocated() / 1e9, 1)
    return told | {"first_s": round(spent[0], 1)}


def noise(clips: int, frames: int, side: int) -> Batch:
    chance = np.random.default_rng(0)
    images = torch.from_numpy(chance.integers(0, 255, (clips, frames, 3, side, side), dtype=np.uint8))
    masks = torch.zeros(2 * clips, frames, side, side, dtype=torch.bool)
    for number, mask in enumerate(masks):
        mask[:, side // 4 : side // 2, number % (side // 2) : number % (side // 2) + side // 4] = True
    single = frames == 1
    asked = ask(chance, "click" if single else "mask", masks[:, 0])
    others = (ask(chance, "box", masks[:, 0]),) if single else ()
    return Batch(images, masks, torch.arange(clips).repeat_interleave(2), asked, others, 0, 0, False, int(single))


if __name__ == "__main__":
    main()
