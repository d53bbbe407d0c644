"""How much of what a model misses is its memory's fault: its own answers remembered, or the truth.

    VIDMEM_DATA=… python benchmarks/true_memories.py [--model nano] [--sequences kite-walk,tennis]

The sequences that configs/nano.toml holds out are followed from their first mask four times: remembering what was
answered, as in use; remembering the true mask of every frame; and both again where of a frame's three masks the one
nearest to the truth is believed. What is still missing with true memories and the best masks is missing in the
drawing of masks, and no memory would mend it. The last line is one JSON object: J of each sequence and of all.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem import cards
from vidmem.compose import load_model
from vidmem.models.sam2 import Answers, Sam2
from vidmem.training.library import read_library
from vidmem.training.losses import overlap
from vidmem.training.prompts import ask
from vidmem.training.recipe import read
from vidmem.training.rollout import Past, advance, normalise, prompted
from vidmem.training.sequences import Sequence

WAYS = {  # name -> whether true masks are remembered, whether the best mask is believed
    "own": (False, False),
    "own, best masks": (False, True),
    "true": (True, False),
    "true, best masks": (True, True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--sequences", help="with commas between; those the recipe holds out by default")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    model = load_model(asked.model, device="cpu")
    assert isinstance(model, Sam2)
    learned, held = read_library(read(cards.find("configs", "nano")).data)
    chosen = asked.sequences.split(",") if asked.sequences else [each.name for each in held]
    rows = {}
    for sequence in (each for each in (*held, *learned) if each.name in chosen):
        found = {way: followed(model, sequence, *how) for way, how in WAYS.items()}
        rows[sequence.name] = found
        print(f"{sequence.name:16s}" + "  ".join(f"{way} {j:.3f}" for way, j in found.items()), flush=True)
    if not rows:
        raise SystemExit(f"None of {', '.join(chosen)} is there. VIDMEM_DATA is to name the folder of the real clips.")
    mean = {way: round(float(np.mean([row[way] for row in rows.values()])), 4) for way in WAYS}
    print(json.dumps({"model": asked.model, "mean": mean, "J": rows}))


@torch.no_grad()
def followed(model: Sam2, sequence: Sequence, truly: bool, best: bool) -> float:
    """Mean J behind the first frame."""
    first = ask(np.random.default_rng(0), "mask", squeezed(model, sequence.masks[None, :1])[0] >= 0.5)
    _, past = prompted(model, view(model, sequence.images[0]), first, 0, np.random.default_rng(0))
    scores = []
    for time in range(1, len(sequence.images)):
        seen, true = view(model, sequence.images[time]), sequence.masks[time]
        answers = advance(model, seen, past, time)
        each = overlaps(answers, true)
        number = int((each if best else answers.pred_iou[0])[1:].argmax()) + 1
        scores.append(float(each[number]))
        if truly:
            whole = squeezed(model, true[None, None])
            past.pages[-1] = model.encode_memory(seen[2], (whole > 0.5).float(), true.any()[None])
        elif best:
            believe(model, past, answers, number, seen[2])
    return round(float(np.mean(scores)), 4)


def overlaps(answers: Answers, true: Tensor) -> Tensor:
    """(4,) the J of each mask; where the object is said to be away, of no mask."""
    here = answers.object_score[0, 0] > 0
    masks = F.interpolate(answers.masks, tuple(true.shape), mode="bilinear", align_corners=False)[0] > 0
    return overlap(masks & here, true.expand_as(masks))


def believe(model: Sam2, past: Past, answers: Answers, number: int, features: Tensor) -> None:
    """Remember another of a frame's masks than the one `advance` chose."""
    here = answers.object_score[:, 0] > 0
    side = 16 * features.shape[2]
    mask = F.interpolate(answers.masks[:, number, None], (side, side), mode="bilinear", align_corners=False).sigmoid()
    past.pages[-1] = model.encode_memory(features, mask * here[:, None, None, None], here)
    past.pointers[-1] = torch.where(here[:, None], answers.object_pointers[:, number], model.no_obj_ptr)


def view(model: Sam2, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return model.encode_image(normalise(squeezed(model, image[None])))


def squeezed(model: Sam2, planes: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, S, S) float, as large as the model sees it"""
    size = model.sizes.image_size
    return F.interpolate(planes.float(), size, mode="bilinear", antialias=True, align_corners=False)


if __name__ == "__main__":
    main()
