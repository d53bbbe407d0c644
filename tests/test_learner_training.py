"""Training of codings: episodes learn, a run that was cut off ends with the same weights, and what it writes fits."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vidmem import cards, compose
from vidmem.errors import InputError, ModelError, UsageError
from vidmem.models.checkpoints import save
from vidmem.models.sam2 import Sam2, load
from vidmem.models.sizes import MICRO
from vidmem.targets.codings.files import about, load_learner
from vidmem.targets.codings.network import Learner, Sizes
from vidmem.training import run
from vidmem.training.clips import Mixture, draw
from vidmem.training.learner.episode import Steps, answers, look, loss_of, small
from vidmem.training.learner.loop import Run, train
from vidmem.training.learner.recipe import LearnerRecipe, build
from vidmem.training.recipe import Optimiser, table

pytestmark = pytest.mark.usefixtures("one_thread")
TINY = {"width": 8, "labels": 4, "masks": (4, 8), "decoder": (4, 8, 8)}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """The weights of a model that sees 64 pixels."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "micro.safetensors"
    save(Sam2(MICRO), path)
    return path


@pytest.fixture
def recipe(model: Path) -> LearnerRecipe:
    return LearnerRecipe(
        "tiny", str(model), steps=6, clips=2, frames=3, judge_every=3, optimiser=Optimiser(warm_up=2), **TINY
    )


def weights(path: Path) -> Tensor:
    return torch.cat([each.flatten() for each in load_learner(path).state_dict().values()])


def test_an_answer_comes_for_every_frame_but_the_first(model: Path):
    seer = load(str(model))
    torch.manual_seed(1)
    learner = Learner(Sizes((seer.sizes.d_model // 8, seer.sizes.d_model // 4, seer.sizes.d_model), **TINY))
    clip = draw((), Mixture(), 4, 64, (0,))
    seen = [learner.prepare(each) for each in look(seer, clip.images)]
    logits = answers(learner, seen, small(clip.masks[0, :1])[0], Steps(5, 2))
    assert logits.shape == (3, 16, 16)
    again = answers(learner, seen, small(clip.masks[0, :1])[0], Steps(5, 0))
    assert torch.equal(logits[0], again[0]) and not torch.equal(logits[1], again[1])


def test_answers_cost_little_where_they_are_right():
    truth = torch.zeros(2, 32, 32, dtype=torch.bool)
    truth[:, 8:24, 8:24] = True
    right = 40 * small(truth) - 20
    assert float(loss_of(right, truth)) < 0.15 < 2 < float(loss_of(-right, truth))


def test_the_loss_falls_on_one_clip(recipe: LearnerRecipe):
    taught = dataclasses.replace(recipe, steps=40, clips=1, optimiser=Optimiser(rate=5e-3, warm_up=1))
    begun = Run(taught)
    clip = draw((), Mixture(), 3, 64, (7,))
    losses = []
    for _ in range(25):
        begun.optimiser.zero_grad()
        loss, _ = begun._clip(clip.images, clip.masks)
        loss.backward()
        begun.optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.85 * losses[0]


def test_the_model_below_is_not_trained(recipe: LearnerRecipe):
    begun = Run(recipe)
    before = begun.model.backbone
    begun.learn(())
    assert begun.model.backbone == before and not any(each.requires_grad for each in begun.model.parameters())


def test_a_run_that_was_cut_off_ends_with_the_same_weights(recipe: LearnerRecipe, tmp_path: Path):
    whole = train(recipe, tmp_path / "whole")
    begun = Run(recipe)
    for _ in range(3):
        begun.learn(())
    (tmp_path / "cut").mkdir()
    begun.save(tmp_path / "cut" / "state.pt")
    cut = train(recipe, tmp_path / "cut")
    assert torch.equal(weights(whole), weights(cut))
    lines = [json.loads(line) for line in (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]


def test_a_run_stops_after_the_minutes_asked_and_goes_on(recipe: LearnerRecipe, tmp_path: Path):
    train(recipe, tmp_path, minutes=0)
    assert torch.load(tmp_path / "state.pt", weights_only=True)["step"] == 0
    train(recipe, tmp_path, minutes=None)
    assert torch.load(tmp_path / "state.pt", weights_only=True)["step"] == 6


def test_what_it_writes_says_what_it_is_and_is_taken_by_a_card(recipe: LearnerRecipe, tmp_path: Path):
    path = train(recipe, tmp_path)
    said = about(path)
    assert said["steps"] == "6" and said["recipe"] == "tiny"
    settings = {"coding.name": "trained", "coding.weights": str(path)}
    tracker = compose.load("continual", recipe.model, settings=settings)
    assert tracker.target is not None and tracker.target.backbone == said["backbone"]


def test_a_run_is_not_overwritten_nor_resumed_on_other_weights(recipe: LearnerRecipe, tmp_path: Path):
    train(dataclasses.replace(recipe, steps=1), tmp_path / "run")
    with pytest.raises(InputError, match="Go on with --resume"):
        train(recipe, tmp_path / "run", resume=False)
    torch.manual_seed(5)
    save(Sam2(MICRO), tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="was begun on other weights"):
        train(dataclasses.replace(recipe, model=str(tmp_path / "other.safetensors")), tmp_path / "run")


def test_the_recipe_that_ships_is_read_and_begun_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("VIDMEM_DATA", raising=False)
    shipped = build(table(cards.find("configs", "nano-learner")), "the card")
    assert shipped.model == "nano"
    assert set(shipped.data.hold_out) == {"kite-walk", "mallard-fly", "scooter-gray", "tennis"}
    said = []
    path = run("nano-learner", tmp_path, minutes=0, report=said.append)
    assert about(path)["recipe"] == "nano-learner" and path.stat().st_size < 1_000_000
    assert "all video is procedural" in said[0]


def test_mistakes_in_a_recipe_are_said_in_one_line():
    with pytest.raises(UsageError, match="unknown entry 'step'"):
        build({"kind": "learner", "name": "x", "step": 3}, "the card")
    with pytest.raises(UsageError, match="frames must be 2 or more"):
        build({"kind": "learner", "name": "x", "frames": 1}, "the card")
