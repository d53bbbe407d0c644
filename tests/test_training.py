"""Training: clips are functions of a seed, losses fall, a run that was cut off goes on as if it had not been."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from vidmem import cards
from vidmem.errors import InputError, ModelError, UsageError
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import MICRO
from vidmem.models.two_way import TwoWayBlock
from vidmem.sprites import place
from vidmem.training import loop, losses
from vidmem.training.ahead import ahead
from vidmem.training.batches import batch
from vidmem.training.clips import Mixture, draw
from vidmem.training.initialise import initialise
from vidmem.training.loop import Run, judgement, train
from vidmem.training.procedural import Layer, compose
from vidmem.training.prompts import ask
from vidmem.training.recipe import Data, Optimiser, Recipe, Stage, read
from vidmem.training.rollout import follow, point_out, watch
from vidmem.training.schedule import rate
from vidmem.training.sequences import read_sequences

TINY = Stage(4, frames=3, clips=1, pictures=0.4, prompts=0.3)
pytestmark = pytest.mark.usefixtures("one_thread")
RECIPE = Recipe("tiny", architecture="micro", optimiser=Optimiser(warm_up=2), stages=(TINY,))


@pytest.fixture
def real_clips(tmp_path: Path) -> Path:
    """Two drawn sequences in the layout of real ones: a bright square that moves over noise."""
    chance = np.random.default_rng(0)
    for name, side in (("first", 30), ("second", 44)):
        for kind in ("frames", "masks"):
            (tmp_path / "clips" / name / kind).mkdir(parents=True)
        ground = chance.integers(0, 120, (90, 140, 3), dtype=np.uint8)
        for step in range(12):
            image, mask = ground.copy(), np.zeros((90, 140), np.uint8)
            place = np.s_[20 : 20 + side, 10 + 5 * step : 10 + 5 * step + side]
            image[place], mask[place] = (230, 220, 60), 255
            Image.fromarray(image).save(tmp_path / "clips" / name / "frames" / f"{step:05d}.jpg")
            Image.fromarray(mask).save(tmp_path / "clips" / name / "masks" / f"{step:05d}.png")
    return tmp_path / "clips"


def weights(model: torch.nn.Module) -> Tensor:
    return torch.cat([each.detach().flatten() for each in model.parameters()])


def test_a_clip_is_a_function_of_its_seed():
    one, same, other = (draw((), Mixture(), 3, 64, (5, step)) for step in (1, 1, 2))
    assert torch.equal(one.images, same.images) and torch.equal(one.masks, same.masks)
    assert not torch.equal(one.images, other.images)


def test_a_compressed_clip_shows_the_same_a_little_worse():
    plain, worn = (draw((), Mixture(compressed=share), 2, 64, (5, 1)) for share in (0.0, 1.0))
    off = (plain.images.float() - worn.images.float()).abs().mean()
    assert torch.equal(plain.masks, worn.masks) and 0 < off < 12


def test_a_batch_is_a_function_of_recipe_and_step(real_clips: Path):
    library = read_sequences(real_clips)
    for step in range(4):
        one, same = (batch(RECIPE, library, 64, step) for _ in range(2))
        assert torch.equal(one.images, same.images) and torch.equal(one.asked.points, same.asked.points)
    assert not torch.equal(batch(RECIPE, library, 64, 0).images, batch(RECIPE, library, 64, 0, part=1).images)


@pytest.mark.parametrize("kind", ["approach", "elastic"])
def test_real_clips_may_come_nearer_or_bend_and_others_stay(real_clips: Path, kind: str):
    library = read_sequences(real_clips)
    plain = draw(library, Mixture(synthetic=0.0, paste=0.0, absent=0.0), 4, 64, (5, 1))
    same, warped = (
        draw(library, Mixture(0.0, paste=0.0, absent=0.0, **{kind: share}), 4, 64, (5, 1)) for share in (0, 1)
    )
    assert torch.equal(plain.images, same.images)
    assert not torch.equal(plain.images, warped.images) and warped.masks[:, 0].any()


def test_a_stage_may_see_smaller_pictures_than_the_model_in_the_end(real_clips: Path):
    stage = dataclasses.replace(TINY, side=64, steps=1)
    run = Run(dataclasses.replace(RECIPE, stages=(stage, dataclasses.replace(stage, side=0))))
    library = read_sequences(real_clips)
    sides = []
    for number in range(2):
        run.learn(library, number / 2)
        sides.append(run.model.sizes.image_size)
    assert sides == [(64, 64), MICRO.image_size] and run.mean.sizes == MICRO
    assert batch(run.recipe, library, run.side, 0).images.shape[-2:] == (64, 64)


def test_every_target_is_in_sight_in_the_first_frame(real_clips: Path):
    library = read_sequences(real_clips)
    for seed in range(20):
        clip = draw(library, Mixture(synthetic=0.5), 3, 64, (seed,))
        assert clip.images.shape == (3, 3, 64, 64) and clip.images.dtype == torch.uint8
        assert 1 <= len(clip.masks) <= 2
        assert clip.masks[:, 0].flatten(1).any(1).all()


def test_what_is_laid_over_a_target_hides_it():
    images, mask = torch.zeros(2, 3, 32, 32), torch.ones(2, 32, 32, dtype=torch.bool)
    way = np.array([[-0.5, 0.0, 0.5, 0.5, 0.0], [0.5, 0.0, 0.5, 0.5, 0.0]])
    layer = Layer(torch.ones(1, 4, 8, 8), place(way), target=True)
    painted, masks = compose(images, [mask], [layer])
    covered = masks[1]
    assert torch.equal(masks[0], ~covered)
    assert covered[0, 16, 8] and not covered[0, 16, 24] and covered[1, 16, 24]
    assert painted[0, :, 16, 8].min() == 1 and painted[0, :, 16, 24].max() == 0


def test_mask_0_and_the_best_other_are_taught_and_every_predicted_iou():
    truth = torch.zeros(1, 1, 32, 32, dtype=torch.bool)
    truth[0, 0, 8:24, 8:24] = True
    good = torch.where(truth[0, 0, ::4, ::4], 8.0, -8.0)
    bad = torch.full((8, 8), 1.0)
    masks = torch.stack([bad, good, -bad, bad])[None].requires_grad_()
    ious = torch.full((1, 4), 0.5, requires_grad=True)
    seen = losses.Seen(0, masks, ious, torch.ones(1, 1))
    loss, _ = losses.total([seen], truth, losses.Weights())
    loss.backward()
    assert masks.grad is not None and ious.grad is not None
    assert (masks.grad[0].abs().sum((1, 2)) > 0).tolist() == [True, True, False, False]
    assert (ious.grad != 0).all() and ious.grad[0, 1] < 0 < ious.grad[0, 2]


def test_masks_of_absent_objects_cost_nothing():
    seen = losses.Seen(0, torch.randn(1, 4, 8, 8), torch.rand(1, 4), torch.full((1, 1), -20.0))
    loss, parts = losses.total([seen], torch.zeros(1, 1, 32, 32, dtype=torch.bool), losses.Weights())
    assert loss < 1e-6 and "mask" not in parts


def test_the_rate_warms_up_and_falls_to_its_end():
    settings = Optimiser(rate=1.0, last=0.1, warm_up=10)
    assert rate(settings, 0, 0) == pytest.approx(0.1)
    assert rate(settings, 10, 0) == pytest.approx(1.0)
    assert rate(settings, 99, 1) == pytest.approx(0.1)


def test_the_start_carries_a_mask_to_the_answer():
    """From PyTorch's own values another mask hardly moves the answer for the next frame; from the start it does."""
    clip = draw((), Mixture(), 2, MICRO.image_size[0], (3,))
    left, right = torch.zeros(2, 1, *MICRO.image_size, dtype=torch.bool)
    left[:, :, :40], right[:, :, -40:] = True, True

    def moved(started: bool) -> float:
        torch.manual_seed(0)
        model = Sam2(MICRO).eval()
        if started:
            initialise(model)
        images, answers = clip.images[None], []
        for mask in (left, right):
            asked = ask(np.random.default_rng(0), "mask", mask)
            with torch.no_grad():
                both = mask[:, None].expand(-1, 2, -1, -1)
                answers.append(follow(model, images, both, torch.tensor([0]), asked)[1].masks)
        return float((answers[0] - answers[1]).std() / answers[0].std())

    assert moved(started=True) > 10 * moved(started=False)


def test_the_loss_falls_on_one_clip():
    recipe = dataclasses.replace(RECIPE, optimiser=Optimiser(rate=2e-3, warm_up=5, average=0.5))
    run = Run(dataclasses.replace(recipe, stages=(Stage(30, 2, 1, pictures=0, prompts=0, balanced=0.5, gap=0),)))
    costs = []
    for _ in range(30):
        costs.append(run.learn((), 0.0)["loss"])
        run.step = 0  # the same clip again
    assert costs[-1] < 0.7 * costs[0]


def test_a_run_that_was_cut_off_ends_with_the_same_weights(tmp_path: Path):
    whole, cut = Run(RECIPE), Run(RECIPE)
    for _ in range(4):
        whole.learn((), whole.step / 4)
    for _ in range(2):
        cut.learn((), cut.step / 4)
    cut.save(tmp_path / "state.pt")
    resumed = Run(RECIPE, fresh=False)
    resumed.restore(tmp_path / "state.pt")
    for _ in range(2):
        resumed.learn((), resumed.step / 4)
    assert torch.equal(weights(whole.model), weights(resumed.model))
    assert torch.equal(weights(whole.mean), weights(resumed.mean))


def test_two_processes_share_the_parts_of_a_step(tmp_path: Path):
    recipe = dataclasses.replace(RECIPE, parts=2, stages=(dataclasses.replace(TINY, steps=2),))
    alone, shared = (torch.load(train(recipe, tmp_path / str(n), workers=n))["model"] for n in (1, 2))
    for name, each in alone.items():
        assert torch.allclose(each, shared[name], atol=1e-6), name


def test_a_run_writes_metrics_judgements_and_weights(real_clips: Path, tmp_path: Path):
    data = Data(str(real_clips), hold_out=("second",))
    said: list[str] = []
    recipe = dataclasses.replace(RECIPE, data=data, stages=(dataclasses.replace(TINY, steps=2),))
    out = train(recipe, tmp_path / "run", report=said.append)
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    curve = [json.loads(line) for line in (tmp_path / "run" / "curve.jsonl").read_text().splitlines()]
    assert steps == [1, 2] and curve[-1]["step"] == 2 and 0 <= curve[-1]["second"] <= 1
    assert said and set(torch.load(out)["model"]) == set(Sam2(MICRO).state_dict())


def test_what_is_written_may_lie_between_what_was_begun_with_and_what_was_learned(tmp_path: Path):
    torch.manual_seed(7)
    begun = Sam2(MICRO).state_dict()
    torch.save({"model": begun}, tmp_path / "begun.pt")
    recipe = dataclasses.replace(RECIPE, init=str(tmp_path / "begun.pt"), stages=(dataclasses.replace(TINY, steps=2),))
    learned = torch.load(train(recipe, tmp_path / "whole"))["model"]
    between = torch.load(train(dataclasses.replace(recipe, way=0.5), tmp_path / "half"))["model"]
    for name, each in between.items():
        assert torch.allclose(each, (begun[name] + learned[name]) / 2, atol=1e-6), name
    assert any(not torch.equal(begun[name], each) for name, each in learned.items())
    with pytest.raises(UsageError, match="part of the way from `init`"):
        Run(dataclasses.replace(RECIPE, way=0.5))


def test_an_object_is_followed_through_every_frame(real_clips: Path):
    first, _ = read_sequences(real_clips)
    torch.manual_seed(0)
    model = Sam2(MICRO).eval()
    answers = watch(model, list(first.images), first.masks[0])
    assert len(answers) == 11 and all(each.shape == (90, 140) for each in answers)
    assert 0 <= judgement(model, (first,))["J"] <= 1


def test_a_recipe_is_read_with_its_parts(tmp_path: Path):
    card = tmp_path / "mine.toml"
    card.write_text(
        'architecture = "micro"\n[data.mixture]\nstride = 2\n[[stages]]\nsteps = 3\n[[stages]]\nsteps = 4\n'
    )
    recipe = read(card)
    assert (recipe.name, recipe.steps, recipe.data.mixture.stride) == ("mine", 7, 2)
    assert recipe.stage(2) is recipe.stages[0] and recipe.stage(3) is recipe.stages[1]


def test_mistakes_in_a_recipe_are_said_in_one_line(tmp_path: Path):
    card = tmp_path / "mine.toml"
    card.write_text("[data]\nclip = 3\n")
    with pytest.raises(UsageError, match="unknown entry 'clip'"):
        read(card)
    with pytest.raises(InputError, match="no such folder"):
        train(dataclasses.replace(RECIPE, data=Data(str(tmp_path / "none"))), tmp_path)
    with pytest.raises(InputError, match="no sequence"):
        read_sequences(tmp_path)
    with pytest.raises(ModelError, match=r"none.pt"):
        Run(dataclasses.replace(RECIPE, init=str(tmp_path / "none.pt")))


def test_without_the_variable_all_video_is_procedural(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NO_SUCH_PLACE", raising=False)
    said: list[str] = []
    recipe = dataclasses.replace(RECIPE, data=Data("$NO_SUCH_PLACE/clips"), stages=(Stage(1, 2, 1),))
    train(recipe, tmp_path, report=said.append)
    assert "not set" in said[0]


def test_a_run_is_not_overwritten(tmp_path: Path):
    train(dataclasses.replace(RECIPE, stages=(Stage(1, 2, 1),)), tmp_path)
    with pytest.raises(InputError, match="--resume"):
        train(RECIPE, tmp_path, resume=False)


@pytest.mark.parametrize("name", [each for each in cards.names("configs") if "kind" not in cards.read("configs", each)])
def test_every_recipe_that_is_shipped_is_read_and_never_learns_from_what_it_holds_out(name: str):
    recipe = read(cards.find("configs", name))
    assert recipe.steps > 0 and recipe.data.hold_out


def test_a_box_and_a_click_are_asked_of_every_object_of_a_picture(real_clips: Path):
    stage = dataclasses.replace(TINY, pictures=1.0, single=3)
    given = batch(dataclasses.replace(RECIPE, stages=(stage,)), read_sequences(real_clips), 64, 0)
    assert given.images.shape[:2] == (3, 1)
    kinds = [each.kind for each in (given.asked, *given.others)]
    assert sorted(kinds) == ["box", "click"]
    run = Run(RECIPE)
    seen = follow(run.model, given.images, given.masks, given.clip_of, given.asked, others=given.others)
    assert [each.several for each in seen] == [kind == "click" for kind in reversed(kinds)]


def test_a_click_begins_by_looking_at_its_place():
    torch.manual_seed(0)
    model = Sam2(MICRO)
    initialise(model)
    place, side = model.sam_prompt_encoder, 8
    image = place.image_position(side, side).flatten(1).T  # what tells the cells of an empty picture apart
    block = model.sam_mask_decoder.transformer.layers[0]
    assert isinstance(block, TwoWayBlock)
    attention = block.cross_attn_token_to_image
    hits = 0
    for cell in range(side * side):
        x, y = (cell % side + 0.5) * 16 - 0.5, (cell // side + 0.5) * 16 - 0.5
        token = place.points(torch.tensor([[[x, y]]]), torch.tensor([[1]]), (128, 128))[:, :1]
        queries, keys = attention.q_proj(token)[0], attention.k_proj(image)
        near = (queries.unflatten(1, (8, -1)) * keys.unflatten(1, (8, -1))).sum(-1).mean(1).argmax()
        hits += max(abs(int(near) % side - cell % side), abs(int(near) // side - cell // side)) <= 1
    assert hits > 0.8 * side * side


def test_pointing_is_begun_anew_on_weights_that_are_given():
    kept = Run(dataclasses.replace(RECIPE, init="nano", architecture="nano")).model
    anew = Run(dataclasses.replace(RECIPE, init="nano", architecture="nano", pointing=True)).model
    changed = {name for name, each in kept.state_dict().items() if not torch.equal(each, anew.state_dict()[name])}
    assert changed and all(
        name.startswith(("sam_prompt_encoder.p", "sam_mask_decoder.transformer")) for name in changed
    )


def test_what_a_box_is_taken_for_is_judged_beside_what_is_followed(real_clips: Path):
    held = read_sequences(real_clips)
    model = Run(RECIPE).model.eval()
    answer = point_out(model, held[0].images[0], held[0].masks[0], "box")
    assert answer.shape == held[0].masks[0].shape and answer.dtype == torch.bool
    said = judgement(model, held)
    assert {"J", "box", "click", "first", "second"} == said.keys()


@pytest.mark.parametrize("step", range(4))
def test_everything_made_in_a_step_is_made_where_the_model_is(step: int):
    """Whatever is created without saying where lands on another device here, and mixing the two is an error."""
    stage = dataclasses.replace(TINY, pictures=0.5, prompts=1.0, blind=1)
    recipe = dataclasses.replace(RECIPE, stages=(stage,), seed=step)
    given, run = batch(recipe, (), 128, step), Run(recipe)
    asked = dataclasses.replace(given, corrections=1)
    with torch.device("meta"):
        seen = follow(
            run.model,
            asked.images,
            asked.masks,
            asked.clip_of,
            asked.asked,
            others=asked.others,
            gap=3,
            blind=asked.blind,
            corrections=1,
        )
        losses.total(seen, asked.masks, losses.Weights())[0].backward()
    made = [each for one in seen for each in (one.masks, one.pred_iou, one.object_score)]
    assert {each.device.type for each in made} == {"cpu"}


def test_batches_made_ahead_are_those_of_their_step(real_clips: Path):
    recipe = dataclasses.replace(RECIPE, parts=2)
    library = read_sequences(real_clips)
    ready = ahead(recipe, library, 64, 3, range(2), loaders=1)
    assert ready is not None
    for step, part in ((3, 0), (3, 1), (4, 0)):
        one, other = next(ready), batch(recipe, library, 64, step, part)
        assert torch.equal(one.images, other.images) and torch.equal(one.asked.points, other.asked.points)


def test_a_step_learns_from_what_was_made_ahead_as_from_what_it_makes(real_clips: Path):
    library = read_sequences(real_clips)
    drawing, given = Run(RECIPE), Run(RECIPE)
    ready = ahead(RECIPE, library, drawing.side, 0, range(1), loaders=1)
    assert given.learn(library, 0.0, ready=ready)["loss"] == drawing.learn(library, 0.0)["loss"]


def test_no_step_is_learned_through_the_attention_whose_gradients_may_be_no_numbers(monkeypatch: pytest.MonkeyPatch):
    allowed, follow = [], loop.follow

    def watched(*asked, **more):
        allowed.append(torch.backends.cuda.cudnn_sdp_enabled())
        return follow(*asked, **more)

    monkeypatch.setattr(loop, "follow", watched)
    before = torch.backends.cuda.cudnn_sdp_enabled()
    Run(RECIPE).learn((), 0.0)
    assert allowed == [False] and torch.backends.cuda.cudnn_sdp_enabled() == before


def test_a_mixed_step_learns_like_a_plain_one():
    plain, mixed = Run(RECIPE), Run(dataclasses.replace(RECIPE, mixed=True))
    said = [each.learn((), 0.0)["loss"] for each in (plain, mixed)]
    assert said[0] == pytest.approx(said[1], rel=0.05) and said[0] != said[1]
