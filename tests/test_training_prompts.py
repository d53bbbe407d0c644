"""What a person would say of an object in training: prompts lie on it, corrections where an answer is wrong."""

from __future__ import annotations

import numpy as np
import torch

from vidmem.training.prompts import ask, correct


def test_prompts_lie_on_their_object():
    mask = torch.zeros(1, 64, 64, dtype=torch.bool)
    mask[0, 10:30, 20:50] = True
    for seed in range(10):
        chance = np.random.default_rng(seed)
        x, y = ask(chance, "click", mask).points[0, 0].long()
        assert mask[0, y, x]
        corners = ask(chance, "box", mask).points[0]
        assert torch.allclose(corners, torch.tensor([[20.0, 10.0], [50.0, 30.0]]), atol=3.1)


def test_a_correction_points_at_a_mistake_and_says_which():
    mask = torch.zeros(1, 64, 64, dtype=torch.bool)
    mask[0, 10:30, 20:50] = True
    chance = np.random.default_rng(0)
    asked = ask(chance, "click", mask)
    missed = correct(chance, asked, torch.zeros_like(mask))
    assert missed.labels.tolist() == [[1, 1]]
    spilt = correct(chance, asked, mask | (torch.arange(64) > 55))
    x, y = spilt.points[0, 1].long()
    assert spilt.labels.tolist() == [[1, 0]] and not mask[0, y, x]


def test_a_click_lies_in_its_mask_and_half_the_time_far_from_its_edge():
    masks = torch.zeros(3, 64, 64, dtype=torch.bool)
    masks[0, 3, 5] = masks[1, 10:40, 10:40] = masks[2] = True
    chance, rows = np.random.default_rng(0), torch.arange(3)
    inner = 0
    for _ in range(60):
        (x, y) = ask(chance, "click", masks).points[:, 0].long().unbind(1)
        assert masks[rows, y, x].all() and (x[0], y[0]) == (5, 3)
        inner += int(18 <= x[1] < 32 and 18 <= y[1] < 32)
    assert 30 < inner < 60  # a fifth of the square; any pixel half of the time
