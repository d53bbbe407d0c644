"""Clips seen otherwise: the mask stays on what it covers, and the object grows, shrinks or bends as said."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from vidmem.training.warping import NEAREST, approach, elastic, wander

FRAMES, SIDE = 6, 96


def clip() -> tuple[Tensor, Tensor]:
    """A bright disc, the same in every frame, on a dark ground."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    disc = ((rows - 40) ** 2 + (columns - 60) ** 2 < 12**2).expand(FRAMES, -1, -1)
    return disc[:, None].float().expand(-1, 3, -1, -1) * 0.9, disc


@pytest.mark.parametrize("warp", [approach, elastic, wander])
def test_the_mask_stays_on_its_object(warp):
    for seed in range(8):
        images, masks = warp(np.random.default_rng(seed), *clip())
        assert images.shape == (FRAMES, 3, SIDE, SIDE) and masks.dtype == torch.bool
        assert torch.equal(masks, images[:, 0] > 0.45)


def test_a_camera_that_comes_nearer_or_draws_back_changes_the_size_evenly():
    ways = set()
    for seed in range(12):
        _, masks = approach(np.random.default_rng(seed), *clip())
        sizes = masks.flatten(1).sum(1).float()
        growth = (sizes[1:] / sizes[:-1]).log()
        nearer = bool(growth[0] > 0)
        ways.add(nearer)
        assert torch.allclose(growth, growth.mean().expand(FRAMES - 1), atol=0.1)
        assert 1.3 * 0.95 < float(sizes.max() / sizes.min()) ** 0.5 < NEAREST * 1.05
        far = masks[0 if nearer else -1]
        assert torch.equal(far, clip()[1][0])  # where it is farthest the clip is as it was
    assert ways == {True, False}


def test_without_the_object_to_come_near_to_a_clip_stays_as_it_is():
    images, _ = clip()
    nothing = torch.zeros(FRAMES, SIDE, SIDE, dtype=torch.bool)
    warped, masks = approach(np.random.default_rng(0), images, nothing)
    assert torch.equal(warped, images) and not masks.any()
    single = approach(np.random.default_rng(0), images[:1], clip()[1][:1])
    assert torch.equal(single[0], images[:1])


def test_water_runs_on_from_frame_to_frame():
    _, masks = elastic(np.random.default_rng(3), *clip())
    changed = [(masks[k] ^ masks[k + 1]).any() for k in range(FRAMES - 1)]
    assert all(changed)
    overlap = (masks[:-1] & masks[1:]).flatten(1).sum(1) / (masks[:-1] | masks[1:]).flatten(1).sum(1)
    assert (overlap > 0.6).all()  # smoothly


def test_a_restless_camera_begins_where_it_was_and_does_not_stand_still():
    _, masks = wander(np.random.default_rng(1), *clip())
    assert torch.equal(masks[0], clip()[1][0])
    assert all((masks[k] ^ masks[k + 1]).any() for k in range(FRAMES - 1))
    images, mask = (each[:1] for each in clip())
    assert wander(np.random.default_rng(1), images, mask)[0] is images  # a single picture stays


def test_what_a_restless_camera_sees_beyond_the_rim_is_no_part_of_the_object():
    images, everything = torch.full((FRAMES, 3, SIDE, SIDE), 0.7), torch.ones(FRAMES, SIDE, SIDE, dtype=torch.bool)
    left = 0
    for seed in range(6):
        seen, masks = wander(np.random.default_rng(seed), images, everything)
        assert torch.allclose(seen, images) and masks[0].all()
        left += int(not masks.all())
    assert left > 2  # it comes nearer, too, and then sees no rim
