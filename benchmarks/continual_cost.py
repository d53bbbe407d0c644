"""What learning while following costs: bytes over a long stream, and the time of an update.

    python benchmarks/continual_cost.py [--frames 10000] [--streamed grcl,lwl] [--sizes 4,8,16,32] [--rounds 10]

Bytes are those of the whole state while a small model follows a square without end, prompted every hundredth frame: the
toy model, or nano at 64 pixels for cards with a trained coding. Growth is measured from frame 500 to the last, as a
fraction. Times are of one look of the target model, that is 3 steps of the solver and the score map, on stride-16
features of --model; all cards and sizes take turns in one process. Median of --rounds, in ms of the process's own time.
With --rounds 0 only bytes are measured, with --frames 0 only times. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from policies_long import HOME, machine

from vidmem import compose, states
from vidmem.models.toy import Toy
from vidmem.saving import make_folder, replacing
from vidmem.values import Frame, Guess, Prompt

SIDE, FROM = 64, 500
CARDS = "continual,grcl,rmscl,hybrid,lwl,lwl-hybrid"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--cards", default=CARDS, help="cards whose looks are timed")
    parser.add_argument("--streamed", default=f"{CARDS},redetect,lwl-prior", help="cards whose bytes are measured")
    parser.add_argument("--sizes", default="4,8,16,32")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--results", type=Path, default=HOME / "benchmarks" / "results")
    asked = parser.parse_args()
    if 0 < asked.frames <= FROM:
        parser.error(f"--frames must be above {FROM}: growth is measured from there on.")
    torch.set_num_threads(1)
    cards, sizes = asked.cards.split(","), [int(each) for each in asked.sizes.split(",")]
    path = make_folder(asked.results) / "continual_cost.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    if asked.rounds:
        times = update_times(cards, sizes, asked.model, asked.rounds)
        for card, row in times.items():
            print(f"{card:12s} " + "  ".join(f"{size} samples {ms:.1f} ms" for size, ms in row.items()), flush=True)
        keep(path, found | {"update_ms": times, "machine": machine("cpu")})
    for card in asked.streamed.split(",") if asked.frames else ():
        growth = growth_of(card, asked.frames)
        found = json.loads(path.read_text()) if path.is_file() else {}
        keep(path, found | {"frames": asked.frames, "state": {**found.get("state", {}), card: growth}})
    print(json.dumps(json.loads(path.read_text())))


def keep(path: Path, found: dict[str, Any]) -> None:
    """Write what was found, with what another run found before."""
    with replacing(path) as file:
        file.write(json.dumps(found, indent=1).encode())


def growth_of(card: str, frames: int) -> dict[str, Any]:
    """Bytes of the state behind frame 500 and at the end, the greatest behind frame 500, and the growth."""
    trained = compose.read(card).get("coding", {}).get("name") == "trained"
    model = compose.load_model("nano", device="cpu", image_size=SIDE) if trained else Toy(16)
    tracker = compose.load(card, model, settings={"samples.limit": 16})
    dice = np.random.default_rng(0)
    grounds = torch.from_numpy(dice.integers(60, 120, (20, 3, SIDE, SIDE), np.uint8))
    state, early, most = {}, 0, 0
    for index in range(frames):
        image, x = grounds[index % 20].clone(), abs(index % 80 - 40)
        colour = 120 + int(100 * np.sin(index / 90))
        image[:, 24:40, x : x + 16] = torch.tensor([220, 40, colour], dtype=torch.uint8)[:, None, None]
        mask = torch.zeros(SIDE, SIDE, dtype=torch.bool)
        mask[24:40, x : x + 16] = True
        prompts = [Prompt(1, mask=mask)] if index % 100 == 0 else []
        state, _ = tracker.step(state, Frame(index, image, index / 25), prompts)
        if index == FROM:
            early = states.nbytes(state)
        if index >= FROM:
            most = max(most, states.nbytes(state))
        if index % 2000 == 0:
            print(f"{card:12s} frame {index}: {states.nbytes(state)} bytes of state", flush=True)
    late = states.nbytes(state)
    samples = len(state[1][0].target.samples)
    numbers = {"early": early, "late": late, "most": most, "growth": round(most / early - 1, 5)}
    return {"model": model.spec.name, "samples": samples, **numbers}


def update_times(cards: list[str], sizes: list[int], model: str, rounds: int) -> dict[str, dict[int, float]]:
    """card -> samples kept -> milliseconds of a look with an update."""
    seer = compose.load_model(model, device="cpu")
    dice = np.random.default_rng(1)
    pictures = [torch.from_numpy(dice.integers(0, 255, (3, 12, 16), np.uint8)) for _ in range(33)]
    large = [torch.nn.functional.interpolate(each[None].float(), (240, 320), mode="bilinear")[0] for each in pictures]
    features = [seer.encode(Frame(number, each.to(torch.uint8))) for number, each in enumerate(large)]
    racing = {}
    with torch.inference_mode():
        for card in cards:
            for size in sizes:
                tracker = compose.load(card, seer, settings={"samples.limit": size, "samples.max_prompts": 1})
                assert tracker.target is not None
                learned = tracker.target.start()
                for number in range(size):
                    mask = torch.full(seer.spec.mask_size, -8.0)
                    mask[10 + number // 2 : 40, 12:44] = 8.0
                    guess = Guess(number, mask, torch.zeros(1), 0.9, 8.0, True, number == 0)
                    seen = tracker.target.prepare(features[number])
                    learned = tracker.target.look(learned, seen, number)[0]
                    learned = tracker.target.learn(learned, seen, guess)
                racing[card, size] = tracker.target, learned, tracker.target.prepare(features[-1]), []
        for _ in range(rounds):
            for target, learned, seen, spent in racing.values():
                began = time.process_time()
                target.look(learned, seen, 99)
                spent.append(1000 * (time.process_time() - began))
    return {card: {size: round(median(racing[card, size][3]), 2) for size in sizes} for card in cards}


if __name__ == "__main__":
    main()
