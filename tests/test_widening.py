"""A widened model says what the narrower one says, and its twins are no copies of each other for long."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from seeded import first_disc, seeded
from torch import Tensor

from vidmem.models import sam2
from vidmem.models.position import axial_rotation, sine_map, time_code
from vidmem.models.sam2 import Answers, Sam2
from vidmem.models.sizes import ARCHITECTURES
from vidmem.training.initialise import initialise
from vidmem.training.widening import UNEVEN, apart, twins, widened

OLD = ARCHITECTURES["micro"]
NEW = replace(OLD, name="micro-wide", d_model=2 * OLD.d_model, mem_dim=2 * OLD.mem_dim, dim_feedforward=128)
CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def models() -> tuple[Sam2, Sam2]:
    """The old one, with lively weights, and the new one."""
    old = seeded(1, OLD)
    torch.manual_seed(0)
    new = Sam2(NEW)
    initialise(new)
    new.load_state_dict(widened(old.state_dict(), OLD, NEW, new.state_dict()))
    return old, new.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def levels(models: tuple[Sam2, Sam2]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    pixels = torch.randn(2, 3, *OLD.image_size, generator=torch.Generator().manual_seed(1))
    return models[0].encode_image(pixels), models[1].encode_image(pixels)


def same(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def same_answers(one: Answers, other: Answers) -> None:
    same(one.masks, other.masks)
    same(one.pred_iou, other.pred_iou)
    same(one.object_score, other.object_score)
    same(one.object_pointers, apart(other.object_pointers, 2)[0])


def given(models: tuple[Sam2, Sam2], levels: tuple[tuple[Tensor, ...], tuple[Tensor, ...]]) -> list[Answers]:
    masks = first_disc()[None, None].float().expand(2, -1, -1, -1)
    return [model.decode_given_mask(s16, s8, s4, masks) for model, (s4, s8, s16) in zip(models, levels, strict=True)]


def pages(models: tuple[Sam2, Sam2], levels: tuple[tuple[Tensor, ...], tuple[Tensor, ...]]) -> list[Tensor]:
    masks, visible = first_disc()[None, None].float().expand(2, -1, -1, -1), torch.tensor([True, False])
    return [model.encode_memory(own[2], masks, visible) for model, own in zip(models, levels, strict=True)]


def test_what_is_seen_is_there_twice(levels: tuple[tuple[Tensor, ...], tuple[Tensor, ...]]):
    for old, new in zip(*levels, strict=True):
        same(twins(old, old, 1), new)


@pytest.mark.parametrize("learning", [False, True])  # two ways through the decoder
@pytest.mark.parametrize("asked", ["box", "nothing", "mask"])
def test_answers_stay(models, levels, asked: str, learning: bool):
    points = torch.tensor([[[30.0, 20.0], [90.0, 100.0], [50.0, 60.0]]]).expand(2, -1, -1)
    labels = torch.tensor([[2, 3, 1]]).expand(2, -1)
    logits = first_disc(32)[None, None].float().expand(2, -1, -1, -1) * 20 - 10
    prompts = {"box": (points, labels, None), "nothing": (None, None, None), "mask": (None, None, logits)}[asked]
    with torch.set_grad_enabled(learning):
        answers = [
            model.decode_masks(model.without_memory(s16), s8, s4, *prompts)
            for model, (s4, s8, s16) in zip(models, levels, strict=True)
        ]
    same_answers(*answers)


def test_answers_to_a_mask_and_its_page_stay(models, levels):
    same_answers(*given(models, levels))
    old, new = pages(models, levels)
    first, second = apart(new, 2)
    same(old, first)
    assert second.std() > 0.1  # there is something to be read


@pytest.mark.parametrize("coded", [False, True])
def test_what_is_remembered_stays(models, levels, monkeypatch: pytest.MonkeyPatch, coded: bool):
    """Exactly, but for the sine map that is added to the features: it has frequencies that the narrower one has not."""
    if not coded:
        monkeypatch.setattr(sam2, "POSITION_SHARE", 0.0)
    slots, ages = torch.tensor([[6, 0]]).expand(2, -1), torch.tensor([[0.1, -0.6]]).expand(2, -1)
    each = zip(models, levels, pages(models, levels), given(models, levels), strict=True)
    old, new = (
        model.condition(s16, [page, page.flip(0)], slots, answers.object_pointers[:, :2], ages)
        for model, (_, _, s16), page, answers in each
    )
    torch.testing.assert_close(twins(old, old, 1), new, rtol=0, atol=0.2 if coded else 1e-4)


def test_first_twins_lie_where_the_codes_agree():
    narrow, wide = sine_map(8, 5, 7, CPU), sine_map(16, 5, 7, CPU)
    same(narrow, apart(wide, 0)[0])
    ages = torch.tensor([-2.0, 0.3, 5.0])
    same(time_code(ages, 32), apart(time_code(ages, 64), 1)[0])
    for old, new in zip(axial_rotation(32, 5, 7, CPU), axial_rotation(64, 5, 7, CPU), strict=True):
        same(old, new[:, ::2])  # one number turns a pair


def test_twins_are_read_unequally(models):
    old, new = (model.state_dict() for model in models)
    for name in ("memory_attention.layers.0.linear1.weight", "sam_mask_decoder.conv_s1.weight"):
        once = twins(old[name], old[name], 0)
        first, second = apart(new[name], 1)
        same(once, first + second)
        part = first / once
        assert part.min() >= 0.5 - UNEVEN - 1e-5 and part.max() <= 0.5 + UNEVEN + 1e-5 and part.std() > 0.1


def test_twins_are_taught_differently(models):
    new = Sam2(NEW)
    new.load_state_dict(models[1].state_dict())
    s4, s8, s16 = new.encode_image(torch.randn(1, 3, *NEW.image_size))
    new.decode_given_mask(s16, s8, s4, first_disc()[None, None].float()).masks.square().mean().backward()
    for name in (
        "image_encoder.neck.convs.1.conv.weight",
        "sam_mask_decoder.transformer.layers.0.self_attn.v_proj.weight",
        "sam_mask_decoder.output_hypernetworks_mlps.0.layers.0.weight",
        "sam_mask_decoder.output_upscaling.0.bias",
    ):
        taught = new.get_parameter(name).grad
        assert taught is not None
        first, second = apart(taught, 0)
        assert (first - second).norm() > 0.1 * taught.norm(), name


def test_other_sizes_are_refused(models):
    with pytest.raises(ValueError, match="twice the width"):
        widened(models[0].state_dict(), OLD, replace(NEW, memory_layers=3), models[1].state_dict())
