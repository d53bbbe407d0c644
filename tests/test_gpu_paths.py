"""The way of a frame over a GPU, walked without one: nothing is left on the CPU, and there is one wait."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pretended_gpu import DEVICE, moved, pretended_gpu

import vidmem
from vidmem import cards, compose
from vidmem.models.options import Options
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import ARCHITECTURES
from vidmem.results import annotate
from vidmem.values import Frame, Prompt

pytest.importorskip("triton", reason="Triton comes with torch on Linux")
SIDE, OBJECTS = 64, 3


def followed(
    card: str, dtype: torch.dtype, frames: int = 4, settings: dict[str, Any] | None = None, **options: Any
) -> tuple[list[list[str]], list[str]]:
    """For each frame where the GPU was waited for; and the kernels launched."""
    model = Sam2(ARCHITECTURES["nano"].at((SIDE, SIDE)), Options(**options)).eval().requires_grad_(False)
    waits = []
    with pretended_gpu() as seen:
        moved(model, dtype)
        tracker, state = vidmem.load(card, model, settings=settings), {}
        boxes: list[Any] = [[8.0 * number, 8.0, 8.0 * number + 24.0, 40.0] for number in range(OBJECTS)]
        for number in range(frames):
            frame = Frame(number, torch.zeros(3, SIDE, SIDE, dtype=torch.uint8))
            prompts = [Prompt(i + 1, box=box) for i, box in enumerate(boxes)] if number == 0 else []
            if number == 2:
                prompts.append(Prompt(OBJECTS + 1, mask=torch.ones(SIDE, SIDE, dtype=torch.bool)))
            state, track = tracker.step(state, frame, prompts)
            assert all(guess.mask.device == DEVICE for guess in track.guesses.values())
            waits.append(list(seen.waits))
            seen.waits.clear()
            assert set(annotate(track, overlap=False).objects) == set(track.guesses)
            seen.waits.clear()
    return waits, seen.launches


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_frame_stays_on_the_gpu_and_waits_for_it_once(dtype):
    waits, launches = followed("sam2", dtype)
    assert [len(each) for each in waits] == [1] * 4, waits
    assert all(each[0].startswith("models/sam2.py") for each in waits)
    own = ["make_keys", "attend_segments"] * 2  # of the two layers
    wanted = [] if dtype == torch.float32 else own
    assert [name for name in launches if name != "combine"] == wanted * 3


@pytest.mark.parametrize("card", cards.names("trackers"))
def test_every_card_keeps_to_one_device(card):
    # Weights read from a file have numbers, which a pretended GPU has not: trained cards walk with their other coding.
    trained = compose.read(card).get("coding", {}).get("name") == "trained"
    followed(card, torch.bfloat16, settings={"coding.name": "cells"} if trained else None)


def test_postprocessing_keeps_to_one_device():
    waits, _ = followed("sam2", torch.bfloat16, stability_fallback=True, binarize_prompts=True, fill_hole_area=8)
    assert [len(each) for each in waits] == [1] * 4, waits
