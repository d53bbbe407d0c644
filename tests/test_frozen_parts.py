"""Training that leaves parts of a model as they are, so that what was trained on top of them goes on fitting."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from vidmem.errors import UsageError
from vidmem.training.loop import Run
from vidmem.training.recipe import Optimiser, Recipe, Stage

pytestmark = pytest.mark.usefixtures("one_thread")
FROZEN = ("image_encoder", "sam_mask_decoder.conv_s0", "sam_mask_decoder.conv_s1")
STAGE = Stage(8, frames=2, clips=1, pictures=0.0, prompts=0.0)
RECIPE = Recipe("held", architecture="micro", optimiser=Optimiser(frozen=FROZEN), stages=(STAGE,))


def test_frozen_parts_stay_as_they_are_and_the_others_learn(tmp_path: Path):
    run = Run(RECIPE)
    before = {name: each.clone() for name, each in run.model.state_dict().items()}
    run.learn((), 0.0)
    run.save(tmp_path / "state.pt")
    resumed = Run(RECIPE, fresh=False)
    resumed.restore(tmp_path / "state.pt")
    resumed.learn((), 0.0)
    for model in (resumed.model, resumed.mean):
        moved = {name for name, each in model.state_dict().items() if not torch.equal(each, before[name])}
        assert any(name.startswith("memory_attention") for name in moved)
        assert not [name for name in moved if name.startswith(FROZEN)]
    assert resumed.model.backbone == run.model.backbone


def test_a_part_that_is_not_there_is_refused_with_those_that_are():
    wrong = dataclasses.replace(RECIPE, optimiser=Optimiser(frozen=("encoder",)))
    with pytest.raises(UsageError, match=r"'encoder'.*image_encoder"):
        Run(wrong)
