"""Every stage of our SAM 2 against the reference implementation: same weights, same tensors, same numbers."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from sam2_official import SMALL, SMALL_20, TINY_BLOCKS, official, twins

from vidmem.models.options import Options
from vidmem.models.pixels import normalise
from vidmem.models.sam2 import Sam2, load
from vidmem.models.sizes import ARCHITECTURES, NANO
from vidmem.values import Entry, Frame, Memory, Page, Pointer, Prompt, Question, resolve

CLOSE = 2e-5  # of a mask logit, in float32; small, for with random weights some parts of the memory hardly show
SIZES = {"2.1": SMALL, "2.0": SMALL_20, "tiny blocks": TINY_BLOCKS}


@lru_cache
def pair(which: str):
    """The reference and ours, with equal weights."""
    if which != "nano":
        return twins(SIZES[which])
    theirs, ours = official(NANO), load("nano", memory_dtype=torch.float32)
    theirs.load_state_dict(ours.state_dict())
    return theirs, ours


@pytest.fixture(params=["2.1", "2.0", "tiny blocks", "nano"])
def both(request):
    return pair(request.param)


def picture(model: Sam2, seed: int = 0) -> Frame:
    """A frame of the model's own size, so that nothing is resized."""
    chance = torch.Generator().manual_seed(seed)
    return Frame(0, torch.randint(0, 256, (3, *model.sizes.image_size), dtype=torch.uint8, generator=chance))


def seen_by(theirs, frame: Frame) -> dict:
    """What the reference's `track_step` wants to know of a frame."""
    seen = theirs.forward_image(normalise(frame.image)[None])
    _, features, positions, sizes = theirs._prepare_backbone_features(seen)
    return dict(
        frame_idx=5, current_vision_feats=features, current_vision_pos_embeds=positions, feat_sizes=sizes, num_frames=16
    )


def some_mask(model: Sam2) -> torch.Tensor:
    height, width = model.sizes.image_size
    mask = torch.zeros(height, width, dtype=torch.bool)
    mask[height // 4 : height // 2 + 3, width // 5 : width // 2] = True
    return mask


def assert_same_answer(theirs: dict, ours, prompted: bool = True):
    """The reference's output of a step is the guess made of our candidates."""
    best = max(range(len(ours.pred_iou)), key=ours.pred_iou.__getitem__)
    guess = resolve(ours, best, 0, prompted=prompted)
    torch.testing.assert_close(guess.mask, theirs["pred_masks"][0, 0], atol=CLOSE, rtol=1e-6)
    assert (theirs["obj_ptr"][0] - guess.object_pointer).abs().max() < CLOSE
    assert theirs["object_score_logits"].item() == pytest.approx(guess.object_score_logit, abs=1e-4)
    return guess


def random_entries(model: Sam2, count: int, seed: int = 1) -> list[Entry]:
    chance = torch.Generator().manual_seed(seed)
    height, width = model.sizes.grid
    return [
        Entry(
            frame,
            torch.randn(height * width, model.sizes.mem_dim, generator=chance),
            torch.randn(model.sizes.d_model, generator=chance),
        )
        for frame in range(count)
    ]


def as_output(model: Sam2, entry: Entry) -> dict:
    """An entry as the reference keeps it."""
    tokens = entry.tokens
    assert isinstance(tokens, torch.Tensor)
    height, width = model.sizes.grid
    from sam2.modeling.position_encoding import PositionEmbeddingSine

    features = tokens.T.reshape(1, -1, height, width)
    place = PositionEmbeddingSine(model.sizes.mem_dim, normalize=True)(features)
    return {"maskmem_features": features, "maskmem_pos_enc": [place], "obj_ptr": entry.object_pointer[None]}


def remembered(entries: list[Entry], now: int = 5) -> Memory:
    """Frame 0 was prompted, the others tracked, the newest just before `now`."""
    pages = (Page(entries[0], 6), *(Page(e, now - e.frame - 1) for e in entries[1:]))
    pointers = tuple(Pointer(e, float(now - e.frame)) for e in (entries[0], *reversed(entries[1:])))
    return Memory(pages, pointers)


def output_dict(model: Sam2, entries: list[Entry]) -> dict:
    first, *rest = entries
    return {
        "cond_frame_outputs": {0: as_output(model, first)},
        "non_cond_frame_outputs": {e.frame: as_output(model, e) for e in rest},
    }


NOTHING = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}


@torch.inference_mode()
def test_image_features_are_those_of_the_reference(both):
    theirs, ours = both
    frame = picture(ours)
    wanted = theirs.forward_image(normalise(frame.image)[None])["backbone_fpn"]
    for level, want in zip(ours.encode(frame).levels, wanted, strict=True):
        assert (level - want).abs().max() < 1e-4 * want.abs().max()


@torch.inference_mode()
@pytest.mark.parametrize("kind", ["mask", "box", "click", "clicks"])
def test_a_first_prompt_is_answered_as_by_the_reference(both, kind):
    theirs, ours = both
    frame = picture(ours)
    height, width = frame.size
    points, mask_inputs = None, None
    if kind == "mask":
        prompt = Prompt(1, mask=some_mask(ours))
        mask_inputs = some_mask(ours).float()[None, None]
    elif kind == "box":
        prompt = Prompt(1, box=torch.tensor([10.0, 20.5, width / 2, height - 3]))
        points = [[10.0, 20.5], [width / 2, height - 3]], [2, 3]
    elif kind == "click":
        prompt = Prompt(1, points=torch.tensor([[30.0, 40.25]]), labels=torch.tensor([1]))
        points = [[30.0, 40.25]], [1]
    else:
        places = [[30.0, 40.25], [5.0, 6.0], [60.0, 61.0]]
        prompt = Prompt(1, points=torch.tensor(places), labels=torch.tensor([1, 0, 1]))
        points = places, [1, 0, 1]
    point_inputs = points and {"point_coords": torch.tensor([points[0]]), "point_labels": torch.tensor([points[1]])}
    out = theirs.track_step(
        is_init_cond_frame=True,
        point_inputs=point_inputs,
        mask_inputs=mask_inputs,
        output_dict=NOTHING,
        run_mem_encoder=False,
        **seen_by(theirs, frame),
    )
    (answer,) = ours.decode(ours.encode(frame), [Question(prompt=prompt)])
    assert len(answer.masks) == (3 if kind == "click" else 1)
    assert_same_answer(out, answer)


@torch.inference_mode()
@pytest.mark.parametrize("kind", ["mask", "box", "click"])
def test_an_object_the_decoder_does_not_see_has_the_pointer_of_absence(kind):
    theirs, ours = twins(SMALL)
    for model in (theirs, ours):
        model.get_parameter("sam_mask_decoder.pred_obj_score_head.layers.2.bias").fill_(-100)
    frame = picture(ours)
    prompt = {
        "mask": Prompt(1, mask=some_mask(ours)),
        "box": Prompt(1, box=torch.tensor([9.0, 9, 90, 80])),
        "click": Prompt(1, points=torch.tensor([[9.0, 9]]), labels=torch.tensor([1])),
    }[kind]
    points = {"mask": None, "box": ([[[9.0, 9], [90, 80]]], [[2, 3]]), "click": ([[[9.0, 9]]], [[1]])}[kind]
    out = theirs.track_step(
        is_init_cond_frame=True,
        point_inputs=points and {"point_coords": torch.tensor(points[0]), "point_labels": torch.tensor(points[1])},
        mask_inputs=None if prompt.mask is None else prompt.mask.float()[None, None],
        output_dict=NOTHING,
        run_mem_encoder=False,
        **seen_by(theirs, frame),
    )
    (answer,) = ours.decode(ours.encode(frame), [Question(prompt=prompt)])
    guess = assert_same_answer(out, answer)
    assert torch.equal(guess.object_pointer, ours.no_obj_ptr[0])


@torch.inference_mode()
@pytest.mark.parametrize("remembers", [1, 2, 5])
def test_tracking_is_that_of_the_reference(both, remembers):
    theirs, ours = both
    frame, entries = picture(ours), random_entries(ours, 5)
    entries = [entries[0], *entries[5 - remembers + 1 :]] if remembers > 1 else entries[:1]
    out = theirs.track_step(
        is_init_cond_frame=False,
        point_inputs=None,
        mask_inputs=None,
        output_dict=output_dict(ours, entries),
        run_mem_encoder=True,
        **seen_by(theirs, frame),
    )
    features = ours.encode(frame)
    (answer,) = ours.decode(features, [Question(remembered(entries))])
    guess = assert_same_answer(out, answer, prompted=False)
    page = ours.remember(features, [guess])[0]
    wanted = out["maskmem_features"][0].flatten(1).T
    assert (page - wanted).abs().max() < 1e-4 * wanted.abs().max()


@torch.inference_mode()
def test_a_correction_sees_memory_and_the_earlier_answer_as_in_the_reference(both):
    theirs, ours = both
    frame, entries = picture(ours), random_entries(ours, 5)
    height, width = ours.spec.mask_size
    earlier = 40 * torch.randn(height, width, generator=torch.Generator().manual_seed(3))
    out = theirs.track_step(
        is_init_cond_frame=False,
        point_inputs={"point_coords": torch.tensor([[[30.0, 40.0]]]), "point_labels": torch.tensor([[0]])},
        mask_inputs=None,
        output_dict=output_dict(ours, entries),
        run_mem_encoder=False,
        prev_sam_mask_logits=earlier.clamp(-32, 32)[None, None],
        **seen_by(theirs, frame),
    )
    click = Prompt(1, points=torch.tensor([[30.0, 40.0]]), labels=torch.tensor([0]))
    (answer,) = ours.decode(ours.encode(frame), [Question(remembered(entries), click, earlier)])
    assert_same_answer(out, answer)


@torch.inference_mode()
def test_an_absent_object_is_remembered_as_in_the_reference(both):
    theirs, ours = both
    frame = picture(ours)
    seen = seen_by(theirs, frame)
    blank = torch.full((1, 1, *ours.sizes.image_size), -1024.0)
    wanted, _ = theirs._encode_new_memory(
        seen["current_vision_feats"], seen["feat_sizes"], blank, torch.tensor([[-1.0]]), is_mask_from_pts=False
    )
    features = ours.encode(frame)
    (answer,) = ours.decode(features, [Question()])
    absent = resolve(answer, 0, 0, present_above=1e9)
    page = ours.remember(features, [absent])[0]
    assert (page - wanted[0].flatten(1).T).abs().max() < 1e-4 * wanted.abs().max()


@torch.inference_mode()
def test_a_mask_shown_below_the_models_own_threshold_is_remembered_as_one_of_an_absent_object():
    """As SAMURAI has it, which shows masks down to a score of -1 (its sam2_base.py, 398 and 866)."""
    theirs, ours = pair("2.1")
    frame = picture(ours)
    seen = seen_by(theirs, frame)
    features = ours.encode(frame)
    (answer,) = ours.decode(features, [Question()])
    shown = resolve(replace(answer, object_score_logit=-0.5), 1, 0, present_above=-1.0)
    assert shown.visible
    whole = F.interpolate(shown.mask[None, None], ours.sizes.image_size, mode="bilinear", align_corners=False)
    wanted, _ = theirs._encode_new_memory(
        seen["current_vision_feats"], seen["feat_sizes"], whole, torch.tensor([[-0.5]]), is_mask_from_pts=False
    )
    page = ours.remember(features, [shown])[0]
    assert (page - wanted[0].flatten(1).T).abs().max() < 1e-4 * wanted.abs().max()


@torch.inference_mode()
def test_a_prompted_mask_is_remembered_softly_or_as_zero_and_one():
    theirs, ours = pair("2.1")
    frame = picture(ours)
    seen = seen_by(theirs, frame)
    features = ours.encode(frame)
    (answer,) = ours.decode(features, [Question()])
    guess = resolve(answer, 0, 0, present_above=-1e9, prompted=True)
    whole = torch.nn.functional.interpolate(guess.mask[None, None], ours.sizes.image_size, mode="bilinear")
    for binary in (False, True):
        theirs.binarize_mask_from_pts_for_mem_enc = binary
        wanted, _ = theirs._encode_new_memory(
            seen["current_vision_feats"], seen["feat_sizes"], whole, torch.tensor([[1.0]]), is_mask_from_pts=True
        )
        theirs.binarize_mask_from_pts_for_mem_enc = False
        chosen = Sam2(ours.sizes, Options(binarize_prompts=binary, memory_dtype=torch.float32)).eval()
        chosen.load_state_dict(ours.state_dict())
        page = chosen.remember(features, [guess])[0]
        assert (page - wanted[0].flatten(1).T).abs().max() < 1e-4 * wanted.abs().max()


@torch.inference_mode()
@pytest.mark.parametrize("seed", range(3))
def test_an_unstable_single_mask_gives_way_as_in_the_reference(seed):
    fallback = dict(
        dynamic_multimask_via_stability=True,
        dynamic_multimask_stability_delta=0.05,
        dynamic_multimask_stability_thresh=0.98,
    )
    options = Options(stability_fallback=True, memory_dtype=torch.float32)
    theirs, ours = twins(SMALL, seed, options, sam_mask_decoder_extra_args=fallback)
    frame = picture(ours)
    out = theirs.track_step(
        is_init_cond_frame=True,
        point_inputs={"point_coords": torch.tensor([[[9.0, 9], [90, 80]]]), "point_labels": torch.tensor([[2, 3]])},
        mask_inputs=None,
        output_dict=NOTHING,
        run_mem_encoder=False,
        **seen_by(theirs, frame),
    )
    features, box = ours.encode(frame), Question(prompt=Prompt(1, box=torch.tensor([9.0, 9, 90, 80])))
    (answer,) = ours.decode(features, [box])
    assert_same_answer(out, answer)


@torch.inference_mode()
def test_holes_are_filled_before_a_prompted_mask_is_remembered_or_corrected():
    _, ours = pair("2.1")
    filling = Sam2(ours.sizes, Options(fill_hole_area=8, memory_dtype=torch.float32)).eval()
    filling.load_state_dict(ours.state_dict())
    features = ours.encode(picture(ours))
    (answer,) = ours.decode(features, [Question()])
    mask = torch.full_like(answer.masks[0], 5.0)
    holed = mask.clone()
    holed[4:6, 4:6] = -5.0
    patched = mask.clone()
    patched[4:6, 4:6] = 0.1
    guess = resolve(answer, 0, 0, present_above=-1e9, prompted=True)
    holed_guess, patched_guess = replace(guess, mask=holed), replace(guess, mask=patched)
    assert torch.equal(filling.remember(features, [holed_guess]), ours.remember(features, [patched_guess]))
    tracked = replace(holed_guess, prompted=False)
    assert torch.equal(filling.remember(features, [tracked]), ours.remember(features, [tracked]))


def test_the_published_sizes_have_the_published_numbers_of_parameters():
    published = {
        "sam2.1-tiny": (38_962_754, 471),
        "sam2.1-small": (46_060_610, 519),
        "sam2.1-base+": (80_850_434, 615),
        "sam2.1-large": (224_446_898, 903),
        "sam2-tiny": (38_946_242, 468),
        "sam2-small": (46_044_098, 516),
        "sam2-base+": (80_833_922, 612),
        "sam2-large": (224_430_386, 900),
    }
    for name, (numbers, tensors) in published.items():
        with torch.device("meta"):
            weights = Sam2(ARCHITECTURES[name]).state_dict()
        assert (sum(each.numel() for each in weights.values()), len(weights)) == (numbers, tensors), name


def test_the_published_sizes_have_the_names_and_shapes_of_the_reference(monkeypatch):
    sam2 = pytest.importorskip("sam2")
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    on_cpu = partial(torch.linspace, device="cpu")  # the reference reads its numbers, so they cannot be on "meta"
    monkeypatch.setattr(torch, "linspace", on_cpu)
    for version in ("sam2", "sam2.1"):
        for size, letter in {"tiny": "t", "small": "s", "base+": "b+", "large": "l"}.items():
            card = Path(sam2.__file__).parent / "configs" / version / f"{version}_hiera_{letter}.yaml"
            with torch.device("meta"):
                theirs = instantiate(OmegaConf.load(card).model).state_dict()
                ours = Sam2(ARCHITECTURES[f"{version}-{size}"]).state_dict()
            assert {k: v.shape for k, v in theirs.items()} == {k: v.shape for k, v in ours.items()}
