"""SAM2Long as published: the same choices, scores, memory and answers, at every step of recorded runs of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from seeded import doubtful, first_disc, restless, seeded

from vidmem import cards, compose
from vidmem.banks.gated import Gated
from vidmem.choices.argmax import Argmax
from vidmem.models import Model
from vidmem.models.sam2 import load
from vidmem.searches.tree import Tree
from vidmem.values import Frame, Memory, Prompt

RECORD = Path(__file__).parent / "recorded/sam2long.json"  # "how" in it says where it comes from


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    return json.loads(RECORD.read_text())


def as_told(memory: Memory) -> tuple[list, list]:
    """A memory as the record writes it, in the order of frames."""
    pages = [[p.entry.frame, p.slot, p.key_scale, 1.0 if p.entry.prompted else p.entry.pred_iou] for p in memory.pages]
    pointers = [[p.entry.frame, p.position, p.key_scale] for p in memory.pointers]
    return sorted(pages), sorted(pointers)


def assert_same_run(model: Model, frames: list[Frame], mask: torch.Tensor, record: dict[str, Any]) -> None:
    """Follow `mask` through `frames` with the published settings, and compare every step with the record."""
    made = []
    tracker = compose.load("sam2long-paper", model)
    tree, bank = tracker.search, tracker.bank

    class Watched:
        def select(self, histories, offered, choice, present_above):
            branches = tree.select(histories, offered, choice, present_above)
            made.append((branches, offered))
            return branches

    tracker = replace(tracker, search=Watched(), emit="lag", lag=len(frames))
    state, _ = tracker.step({}, frames[0], [Prompt(1, mask=mask)])
    for frame, wanted in zip(frames[1:], record["steps"], strict=True):
        assert frame.index == wanted["frame"]
        paths = len(wanted["memory"])  # the frame behind the prompt is asked once
        for history, memory in zip(state[1][:paths], wanted["memory"], strict=True):
            attended = bank.read(history.bank)
            assert attended is not None
            pages, pointers = as_told(attended)
            assert np.allclose(pages, sorted(memory["pages"]), atol=2e-3), frame.index
            assert np.allclose(pointers, sorted(memory["pointers"]), atol=2e-3), frame.index
        state, _ = tracker.step(state, frame)
        branches, offered = made[-1]
        for candidates, (ratings, logit) in zip(offered, wanted["offered"], strict=True):
            assert candidates.object_score_logit == pytest.approx(logit, abs=2e-3)
            assert ratings is None or candidates.pred_iou == pytest.approx(ratings, abs=2e-4)
        if "kept" in wanted:
            assert [[each.parent, each.pick] for each in branches] == wanted["kept"], frame.index
            sums = [score - wanted["scores"][0] for score in wanted["scores"]]
            assert [each.score for each in branches] == pytest.approx(sums, abs=1e-3)
        else:
            assert offered[0].pred_iou[branches[0].pick] == pytest.approx(wanted["pred_iou"], abs=2e-4)
    size = frames[0].size
    for guess, area in zip(state[1][0].trail, record["areas"], strict=True):
        logits = torch.nn.functional.interpolate(guess.mask[None, None], size, mode="bilinear", align_corners=False)
        assert int((logits > 0).sum()) == pytest.approx(area, rel=1e-3, abs=8)


def assert_telling(record: dict[str, Any], doubts: int) -> None:
    """A record shows something only if the paths part and the memory is full."""
    steps = [each for each in record["steps"] if "kept" in each]
    assert sum(not each["certain"] for each in steps) >= doubts
    assert any(each["memory"][0] != each["memory"][1] for each in steps)
    assert max(len(memory["pointers"]) for each in steps for memory in each["memory"]) >= 15


def test_a_drawn_clip_is_followed_as_the_published_code_does(recorded):
    record = recorded["drawn"]
    assert_telling(record, doubts=15)
    assert any(logit < 0 for each in record["steps"] for _, logit in each["offered"]), "no path ever says absent"
    assert_same_run(doubtful(), restless(40), first_disc(), record)


@pytest.mark.real
def test_a_real_clip_is_followed_as_the_published_code_does(recorded, data):
    weights = data.parent / "weights/nano-start.pt"
    if not weights.is_file():
        pytest.skip(f"{weights} is not there: the weights the run was recorded with")
    folder = data / "DAVIS/JPEGImages/480p/bmx-bumps"
    pictures = [np.array(Image.open(path)) for path in sorted(folder.glob("*.jpg"))[5::2]]
    frames = [Frame(i, torch.from_numpy(each).permute(2, 0, 1).contiguous()) for i, each in enumerate(pictures)]
    mask = torch.from_numpy(np.array(Image.open(data / "DAVIS/Annotations/480p/bmx-bumps/00005.png")) > 0)
    record = recorded["filmed"]
    assert_telling(record, doubts=4)
    assert_same_run(
        load("nano-bc33034d", checkpoint=weights, image_size=256, memory_dtype=torch.float32), frames, mask, record
    )


def test_the_card_is_what_was_published():
    made = compose.load("sam2long-paper", seeded(0))
    bank, tree = made.bank, made.search
    assert isinstance(bank, Gated) and isinstance(tree, Tree) and isinstance(made.choice, Argmax)
    assert (made.present_above, made.condition_prompts) == (0.0, False)
    assert (tree.width, tree.uncertain_below, tree.epsilon, tree.decimals) == (3, 2.0, 1e-5, 2)
    assert (tree.merge_after, tree.absent_score) == (0, 0.0)
    assert (bank.min_pred_iou, bank.min_object_score_logit, bank.modulation) == (0.3, 0.0, (0.95, 1.05))
    assert bank.drop_oldest_pointer and (bank.frames, bank.limit) == (6, 15)
    assert cards.read("trackers", "sam2long")["search"]["merge_after"] > 0
