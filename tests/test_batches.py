"""What a step learns from: how long its clips are, in which colours, and how much a picture gives to ask for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from vidmem.training import clips
from vidmem.training.batches import batch
from vidmem.training.clips import Mixture, draw
from vidmem.training.colouring import recolour
from vidmem.training.recipe import Recipe, Stage
from vidmem.training.sequences import Sequence

pytestmark = pytest.mark.usefixtures("one_thread")
STAGE = Stage(4, frames=4, clips=1, blind=1, longer=2, pictures=0.0, prompts=0.0)
RECIPE = Recipe("longer", architecture="micro", stages=(STAGE,))


def sliding(frames: int = 6) -> Sequence:
    """A rectangle of 20 by 12 pixels that slides to the right over noise."""
    chance = torch.Generator().manual_seed(0)
    images = torch.randint(0, 255, (frames, 3, 64, 64), generator=chance, dtype=torch.uint8)
    masks = torch.zeros(frames, 64, 64, dtype=torch.bool)
    for step in range(frames):
        masks[step, 20:40, 8 + 4 * step : 20 + 4 * step] = True
    return Sequence("slides", images, masks)


def test_longer_clips_have_more_frames_before_those_that_are_learned_from():
    blind = set()
    for step in range(12):
        one, same = (batch(RECIPE, (), 64, step) for _ in range(2))
        assert one.images.shape[1] - one.blind == 3 and torch.equal(one.images, same.images)
        blind.add(one.blind)
    assert blind == {1, 2, 3}


def test_every_part_of_a_step_is_as_long():
    for step in range(6):
        assert batch(RECIPE, (), 64, step).blind == batch(RECIPE, (), 64, step, part=1).blind


def test_single_pictures_are_not_made_longer():
    pictures = dataclasses.replace(RECIPE, stages=(dataclasses.replace(STAGE, pictures=1.0),))
    for step in range(4):
        given = batch(pictures, (), 64, step)
        assert given.blind == 0 and given.images.shape[1] == 1


def test_single_pictures_may_be_asked_for_boxes_or_clicks_alone():
    for boxes, kinds in ((0.5, {"box", "click"}), (1.0, {"box"}), (0.0, {"click"})):
        pictures = dataclasses.replace(RECIPE, stages=(dataclasses.replace(STAGE, pictures=1.0, boxes=boxes),))
        for step in range(4):
            given = batch(pictures, (), 64, step)
            assert {given.asked.kind, *(each.kind for each in given.others)} == kinds


def test_a_crowd_gives_a_single_picture_more_to_ask_for_and_leaves_clips_alone():
    plain, crowded = Mixture(synthetic=0, paste=1.0), Mixture(synthetic=0, paste=1.0, crowd=3)
    few, many = ([len(draw((sliding(),), each, 1, 64, (7, n)).masks) for n in range(30)] for each in (plain, crowded))
    assert max(few) == 2 and max(many) == 3 and sum(many) > sum(few)
    for n in range(5):
        one, other = (draw((sliding(),), each, 3, 64, (7, n)) for each in (plain, crowded))
        assert torch.equal(one.images, other.images) and torch.equal(one.masks, other.masks)


def test_other_colours_leave_greys_and_the_amount_of_light():
    chance = np.random.default_rng(3)
    pixels = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.4  # nothing is clipped
    masks = torch.ones(2, 8, 8, dtype=torch.bool)
    other, same = recolour(chance, pixels, masks)
    grey = torch.full((1, 3, 4, 4), 0.3)
    assert same is masks and torch.allclose(recolour(chance, grey, masks)[0], grey, atol=1e-6)
    assert torch.allclose(other.mean(1), pixels.mean(1), atol=1e-6) and (other - pixels).abs().max() > 0.02


def test_turning_hues_by_a_third_moves_red_to_green():
    class Third(np.random.Generator):
        def uniform(self, low=0.0, high=1.0, size=None):  # type: ignore[override]
            return 2 * np.pi / 3 if high > 6 else 1.0

    red, green = torch.zeros(1, 3, 1, 1), torch.zeros(1, 3, 1, 1)
    red[:, 0], green[:, 1] = 1, 1
    assert torch.allclose(recolour(Third(np.random.PCG64(0)), red, red[:, 0] > 0)[0], green, atol=1e-6)


def test_recoloured_clips_show_the_same_objects():
    plain, other = Mixture(synthetic=0, paste=0, absent=0), Mixture(synthetic=0, paste=0, absent=0, recoloured=1.0)
    one, two = (draw((sliding(),), each, 2, 64, (7, 1)) for each in (plain, other))
    assert torch.equal(one.masks, two.masks) and not torch.equal(one.images, two.images)


def test_what_is_pasted_has_colours_of_its_own(monkeypatch: pytest.MonkeyPatch):
    turned = []
    monkeypatch.setattr(clips, "recolour", lambda chance, *clip: turned.append(len(clip)) or clip)
    for n in range(6):
        draw((sliding(),), Mixture(synthetic=0, paste=1.0, absent=0, recoloured=1.0), 2, 64, (8, n))
    assert len(turned) > 6  # six clips, and something that was pasted
