"""Spoiled memories: what is lost belonged to the object, what is added did not, and both stay where they came about."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import MICRO
from vidmem.training import wear as wearing
from vidmem.training.batches import batch
from vidmem.training.clips import Mixture, Sequence, draw
from vidmem.training.initialise import initialise
from vidmem.training.prompts import ask
from vidmem.training.recipe import Optimiser, Recipe, Stage
from vidmem.training.rollout import follow
from vidmem.training.wear import FULL, SIDE, Wear, wear

pytestmark = pytest.mark.usefixtures("one_thread")
WORN = Recipe(
    "worn",
    architecture="micro",
    optimiser=Optimiser(warm_up=2),
    stages=(Stage(4, frames=4, clips=1, blind=1, longer=2, worn=1.0, pictures=0.0, prompts=0.0),),
)


def sliding(frames: int = 6) -> torch.Tensor:
    """(1, T, 64, 64): a rectangle of 20 by 12 pixels that slides to the right."""
    masks = torch.zeros(1, frames, 64, 64, dtype=torch.bool)
    for step in range(frames):
        masks[0, step, 20:40, 8 + 4 * step : 20 + 4 * step] = True
    return masks


def only(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(wearing, "KINDS", ((kind, 1.0),))


@pytest.mark.parametrize("seed", range(5))
def test_a_side_is_forgotten_little_by_little_and_moves_with_the_object(seed: int, monkeypatch: pytest.MonkeyPatch):
    only(monkeypatch, "side")
    masks = sliding()
    worn = wear(np.random.default_rng(seed), masks)
    shares = (worn.lost & masks).sum((2, 3)) / masks.sum((2, 3))
    assert not worn.added.any()
    assert shares[0, 0] < shares[0, FULL - 1] and SIDE[0] / 2 < shares[0, FULL - 1] < SIDE[1] + 0.1
    first, last = (worn.lost & masks)[0, FULL - 1], (worn.lost & masks)[0, -1]
    assert torch.equal(first.roll(4 * (6 - FULL), 1), last)


@pytest.mark.parametrize("seed", range(5))
def test_surroundings_are_taken_in_about_the_rim(seed: int, monkeypatch: pytest.MonkeyPatch):
    only(monkeypatch, "spill")
    masks = sliding()
    worn = wear(np.random.default_rng(seed), masks)
    assert not worn.lost.any()
    assert (worn.added & ~masks)[0, -1].any() and (worn.added & masks)[0, -1].any()


def test_a_piece_lies_in_the_object(monkeypatch: pytest.MonkeyPatch):
    only(monkeypatch, "piece")
    masks = sliding()
    shares = [
        float((wear(np.random.default_rng(seed), masks).lost & masks)[0, -1].sum() / masks[0, -1].sum())
        for seed in range(20)
    ]
    assert min(shares) > 0.1 and np.median(shares) < 0.9  # a small compact thing may be lost whole


def test_an_object_out_of_sight_is_not_remembered_for_its_wear():
    masks = sliding()
    masks[:, 3] = False
    for seed in range(20):
        worn = wear(np.random.default_rng(seed), masks)
        assert not worn.lost[:, 3].any() and not worn.added[:, 3].any()


def test_a_mask_is_remembered_without_what_is_lost_and_with_what_is_added():
    lost, added = torch.zeros(1, 2, 4, 4, dtype=torch.bool), torch.zeros(1, 2, 4, 4, dtype=torch.bool)
    lost[0, 1, 0], added[0, 1, 3] = True, True
    worn = Wear(lost, added)
    mask = torch.full((1, 1, 4, 4), 0.7)
    assert torch.equal(worn.spoil(mask, 0), mask)
    assert worn.spoil(mask, 1)[0, 0, :, 0].tolist() == pytest.approx([0.0, 0.7, 0.7, 1.0])


def test_wear_covers_the_frames_followed_without_gradients():
    lengths = set()
    for step in range(12):
        one, same = (batch(WORN, (), 64, step) for _ in range(2))
        assert one.worn is not None and same.worn is not None
        assert one.worn.lost.shape[1] == one.blind and one.images.shape[1] == 3 + one.blind
        assert torch.equal(one.worn.lost, same.worn.lost) and torch.equal(one.worn.added, same.worn.added)
        lengths.add(one.blind)
    assert lengths == {1, 2, 3}


def test_every_part_of_a_step_is_as_long():
    for step in range(6):
        assert batch(WORN, (), 64, step).blind == batch(WORN, (), 64, step, part=1).blind


def test_what_was_spoiled_is_what_later_frames_remember():
    torch.manual_seed(0)
    model = Sam2(MICRO)
    initialise(model)
    side = MICRO.image_size[0]
    clip = draw((), Mixture(), 4, side, (3,))
    masks = clip.masks[:1]
    asked = ask(np.random.default_rng(0), "mask", masks[:, 0])
    nothing = torch.zeros(1, 2, side, side, dtype=torch.bool)
    answers = []
    for worn in (None, Wear(nothing, nothing), Wear(~nothing, nothing)):
        seen = follow(model, clip.images[None], masks, torch.tensor([0]), asked, blind=2, worn=worn)
        answers.append(seen[-1].masks)
    assert torch.equal(answers[0], answers[1])
    assert not torch.allclose(answers[0], answers[2])


def test_a_recipe_without_wear_draws_what_it_always_drew():
    plain = dataclasses.replace(WORN, stages=(dataclasses.replace(WORN.stages[0], worn=0.0, longer=0),))
    given = batch(plain, (), 64, 1)
    assert given.worn is None and given.blind == 1 and given.images.shape[1] == 4


def test_a_crowd_gives_a_single_picture_more_to_ask_for_and_leaves_clips_alone():
    pixels = torch.randint(0, 255, (6, 3, 64, 64), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    library = (Sequence("slides", pixels, sliding()[0]),)
    plain, crowded = Mixture(synthetic=0, paste=1.0), Mixture(synthetic=0, paste=1.0, crowd=3)
    few, many = ([len(draw(library, each, 1, 64, (7, n)).masks) for n in range(30)] for each in (plain, crowded))
    assert max(few) == 2 and max(many) == 3 and sum(many) > sum(few)
    for n in range(5):
        assert torch.equal(draw(library, plain, 3, 64, (7, n)).images, draw(library, crowded, 3, 64, (7, n)).images)
