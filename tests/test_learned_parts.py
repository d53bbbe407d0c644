"""Training that teaches some parts of a model alone, so that whatever reads the others goes on answering as before."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vidmem.errors import UsageError
from vidmem.training.loop import Run
from vidmem.training.prompts import Kind, ask
from vidmem.training.recipe import Optimiser, Recipe, Stage
from vidmem.training.rollout import advance, normalise, prompted

pytestmark = pytest.mark.usefixtures("one_thread")
PARTS = ("memory_attention", "sam_mask_decoder.transformer")
STAGE = Stage(8, frames=2, clips=1, pictures=0.0, prompts=0.0)
RECIPE = Recipe("some", architecture="micro", optimiser=Optimiser(learned=PARTS), stages=(STAGE,))
BOXES_ALONE = (
    "sam_prompt_encoder.point_embeddings.2",
    "sam_prompt_encoder.point_embeddings.3",
    "sam_mask_decoder.output_hypernetworks_mlps.0",
)


def test_the_parts_named_learn_and_the_others_stay_as_they_are(tmp_path: Path):
    run = Run(RECIPE)
    before = {name: each.clone() for name, each in run.model.state_dict().items()}
    run.learn((), 0.0)
    run.save(tmp_path / "state.pt")
    resumed = Run(RECIPE, fresh=False)
    resumed.restore(tmp_path / "state.pt")
    resumed.learn((), 0.0)
    for model in (resumed.model, resumed.mean):
        moved = {name for name, each in model.state_dict().items() if not torch.equal(each, before[name])}
        assert all(any(name.startswith(part) for name in moved) for part in PARTS)
        assert not [name for name in moved if not name.startswith(PARTS)]
    assert resumed.model.backbone == run.model.backbone


def test_what_only_boxes_are_read_with_can_learn_while_masks_and_clicks_are_followed_as_before():
    pictures = dataclasses.replace(STAGE, pictures=1.0, boxes=1.0, single=2)
    run = Run(dataclasses.replace(RECIPE, optimiser=Optimiser(learned=BOXES_ALONE), stages=(pictures,)))
    images = torch.randint(0, 256, (1, 3, run.side, run.side), dtype=torch.uint8)
    first = torch.zeros(1, run.side, run.side, dtype=torch.bool)
    first[:, 8:24, 8:24] = True

    @torch.no_grad()
    def said(kind: Kind) -> Tensor:
        """The three masks of the frame behind a prompt, one of which is the answer."""
        view = run.model.encode_image(normalise(images))
        _, past = prompted(run.model, view, ask(np.random.default_rng(0), kind, first), 0, np.random.default_rng(0))
        return advance(run.model, view, past, 1).masks[:, 1:]

    kinds: tuple[Kind, ...] = ("mask", "click", "box")
    before = [said(kind) for kind in kinds]
    assert run.learn((), 0.0)["kind"] == "box"
    run.learn((), 0.0)
    assert [torch.equal(said(kind), earlier) for kind, earlier in zip(kinds, before, strict=True)] == [
        True,
        True,
        False,
    ]


def test_a_part_that_is_not_there_is_refused_with_those_that_are():
    wrong = dataclasses.replace(RECIPE, optimiser=Optimiser(learned=("encoder",)))
    with pytest.raises(UsageError, match=r"'encoder'.*image_encoder"):
        Run(wrong)
