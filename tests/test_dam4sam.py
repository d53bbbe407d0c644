"""DAM4SAM as its authors published it: recorded numbers of what it attended, chose and kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from observations import observe
from PIL import Image
from torch import Tensor

from vidmem.banks.distractor import Distractor, DistractorState
from vidmem.banks.distractor_rule import measure
from vidmem.frames import watch
from vidmem.models.options import Options
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import BEFORE
from vidmem.tracker import Tracker
from vidmem.values import Observation, Prompt

RECORDED = json.loads((Path(__file__).parent / "recorded" / "dam4sam.json").read_text())


@pytest.mark.parametrize("case", RECORDED["reading"], ids=lambda case: case["past"][:12])
def test_it_attends_what_the_reference_attends_of_made_up_pasts(case):
    near, both = torch.full((2, 8, 8), -4.0), torch.full((2, 8, 8), -4.0)
    near[:, :3, :3] = both[:, :3, :3] = 4.0
    both[1, 5:, 5:] = 4.0
    bank, state = Distractor(), Distractor().start()
    for frame, letter in enumerate(case["past"]):
        if frame:
            memory = bank.read(state)
            assert memory is not None
            pages, pointers = case["steps"][frame - 1]
            assert sorted([page.entry.frame, page.slot] for page in memory.pages) == pages, case["past"][:frame]
            assert sorted(pointer.entry.frame for pointer in memory.pointers) == pointers
        masks = {"a": torch.full((2, 8, 8), -4.0), "d": both}.get(letter, near)
        state = bank.write(state, observe(frame, letter == "p", masks=masks, size=(8, 8)))


@pytest.mark.parametrize("number", range(len(RECORDED["deciding"])))
def test_it_sees_a_distractor_where_the_reference_sees_one(number):
    case = RECORDED["deciding"][number]
    bank, kept = Distractor(), []
    state = bank.write(bank.start(), observe(0, prompted=True))
    for frame, (beliefs, drawn) in enumerate(case["frames"], start=1):
        masks = torch.full((3, *case["size"]), -4.0)
        for mask, rectangles in zip(masks, drawn, strict=True):
            for x0, y0, x1, y1 in rectangles:
                mask[y0:y1, x0:x1] = 4.0
        pick = int(np.argmax(beliefs))
        state = bank.write(
            state, observe(frame, pred_iou=beliefs[pick], masks=masks, pick=pick, size=tuple(case["size"]))
        )
        if state.distractors and state.distractors[-1].frame == frame:
            kept.append(frame)
    assert kept == case["kept"]


def lively(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """First weights shaken so that much happens: surer of overlap, less of presence, three masks that differ."""
    chance = torch.Generator().manual_seed(0)
    head, presence = "sam_mask_decoder.iou_prediction_head", "sam_mask_decoder.pred_obj_score_head"
    shaken = {f"{head}.layers.2.weight": 0.5} | {
        f"sam_mask_decoder.output_hypernetworks_mlps.{mask}.layers.2.{part}": 1.0
        for mask in (1, 2, 3)
        for part in ("weight", "bias")
    }
    made = {name: tensor.float() for name, tensor in weights.items()}
    for name, share in shaken.items():
        made[name] = made[name] + share * made[name].std() * torch.randn(made[name].shape, generator=chance)
    made[f"{head}.layers.2.bias"] = made[f"{head}.layers.2.bias"] + 5
    made[f"{presence}.layers.2.bias"] = made[f"{presence}.layers.2.bias"] - 3
    return made


@pytest.fixture
def model(data) -> Sam2:
    path = data.parent / "weights" / "nano-start.pt"
    if not path.is_file():
        pytest.skip(
            "the weights the numbers were recorded with (weights/nano-start.pt beside $VIDMEM_DATA) are not there"
        )
    weights = torch.load(path, map_location="cpu", weights_only=True)
    options = Options(
        resize="bilinear-antialias", stability_fallback=True, binarize_prompts=True, memory_dtype=torch.float32
    )
    model = Sam2(BEFORE.at((256, 256)), options)  # the size that the numbers were recorded at
    model.load_state_dict(lively(weights.get("model", weights)))
    return model.eval().requires_grad_(False)


class Watched:
    """A bank, and what it was told last."""

    def __init__(self, bank: Distractor):
        self.bank, self.start, self.read = bank, bank.start, bank.read

    def write(self, state: DistractorState, seen: Observation) -> DistractorState:
        self.seen = seen
        return self.bank.write(state, seen)


@pytest.mark.real
def test_a_real_video_is_remembered_frame_by_frame_as_the_reference_remembers_it(data, model):
    said = RECORDED["tracking"]
    first, (x0, y0, x1, y1) = said["first"], said["box"]
    moving = torch.from_numpy(np.asarray(Image.open(data / said["clip"] / "masks" / f"{first:05d}.png")) == 255)
    marked = torch.zeros_like(moving)
    marked[y0:y1, x0:x1] = moving[y0:y1, x0:x1]
    bank = Watched(Distractor(growing_span=True))
    tracker, frames = Tracker(model, bank), watch(data / said["clip"] / "frames")
    state, _ = tracker.step({}, next(iter(frames.between(first, first + 1))), [Prompt(1, mask=marked)])
    added = []
    for row, frame in zip(said["rows"], frames.between(first + 1, first + said["frames"]), strict=True):
        memory = bank.read(state[1][0].bank)
        assert memory is not None
        pages = {(page.entry.frame - first, page.slot) for page in memory.pages}
        assert pages == set(map(tuple, row["pages"])) and len(memory.pages) == len(row["pages"])
        assert {pointer.entry.frame - first for pointer in memory.pointers} == set(row["pointers"])
        state, track = tracker.step(state, frame)
        seen = bank.seen
        assert seen.pick == row["pick"]
        assert seen.candidates.pred_iou == pytest.approx(row["ious"], abs=1e-4)
        assert int((track.logits(1) > 0).sum()) == pytest.approx(row["area"], abs=2)
        assert int((seen.guess.mask > 0).sum()) == pytest.approx(row["positive"], abs=1)
        if row["overlap"] is not None:
            assert measure(seen, rivals=True).overlap == pytest.approx(row["overlap"], abs=0.02)
        kept = state[1][0].bank.distractors
        added.append(bool(kept) and kept[-1].frame == frame.index)
        assert added[-1] == row["added"]
    assert sum(added) == 7
