"""What a little more or less of the embedded model would learn in the same time, from nothing.

    VIDMEM_DATA=… python benchmarks/nano_sizes.py [--minutes 6] [--sizes nano,narrow] [--out runs/nano_sizes]

Every size learns for so many minutes of processor time on one thread, by one course: boxes and clicks on single
pictures, and short clips. Then it is judged on the four sequences that configs/nano.toml holds out: J from a mask, and
the IoU of what a box and a click are taken for. A few minutes tell what is learned quickly, not what is learned in the
end. Sizes that were done are kept in --out. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import replace
from pathlib import Path

import torch

from vidmem import cards
from vidmem.models.sizes import ARCHITECTURES, BEFORE
from vidmem.saving import make_folder, replacing
from vidmem.training.library import read_library
from vidmem.training.loop import Run, judgement
from vidmem.training.recipe import Optimiser, Recipe, Stage, read
from vidmem.training.rollout import watch

BASE = BEFORE.at((256, 256))  # pictures so small that a size shows in minutes what it is worth
SIZES = {
    "nano": BASE,
    "narrow": replace(BASE, name="narrow", embed_dim=24),
    "wide": replace(BASE, name="wide", embed_dim=48),
    "deep": replace(BASE, name="deep", stages=(1, 2, 6, 1), global_att_blocks=(5, 8)),
    "thick": replace(BASE, name="thick", d_model=96, mem_dim=48),
}
COURSE = Stage(10**6, frames=4, clips=1, pictures=0.6, single=8, prompts=0.0, told=True, balanced=0.3, opening=0.6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=6.0, help="of processor time for each size")
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--out", type=Path, default=Path("runs/nano_sizes"))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    ARCHITECTURES.update(SIZES)  # recipes name their sizes
    rows = {}
    for name in asked.sizes.split(","):
        kept = asked.out / f"{name}-{asked.minutes:g}.json"
        if not kept.is_file():
            make_folder(asked.out)
            with replacing(kept) as file:
                file.write(json.dumps(learned(name, asked.minutes)).encode())
        rows[name] = json.loads(kept.read_text())
        print(f"{name:8s} {rows[name]}", flush=True)
    print(json.dumps({"minutes": asked.minutes, "machine": platform.processor() or platform.machine(), "sizes": rows}))


def learned(name: str, minutes: float) -> dict[str, float]:
    """What a size has learned after so many minutes, and what it weighs and takes."""
    card = read(cards.find("configs", "nano-from-nothing"))
    recipe = Recipe(
        name, architecture=name, seed=7, data=card.data, optimiser=Optimiser(1e-3, average=0.99), stages=(COURSE,)
    )
    library, held = read_library(recipe.data)
    if not held:
        raise SystemExit("VIDMEM_DATA is to name the folder of the real clips: without them nothing can be judged.")
    run, began = Run(recipe), time.process_time()
    while (spent := time.process_time() - began) < 60 * minutes:
        run.learn(library, spent / (60 * minutes))
    said = judgement(run.mean, held)
    began = time.process_time()
    watch(run.mean, list(held[0].images[:21]), held[0].masks[0])
    frame = (time.process_time() - began) / 21
    count = sum(each.numel() for each in run.model.parameters())
    return {
        "parameters": count,
        "MB": round(2 * count / 1e6, 1),
        "steps": run.step,
        "frame_ms": round(1000 * frame, 1),
        **{key: said[key] for key in ("J", "box", "click")},
    }


if __name__ == "__main__":
    main()
