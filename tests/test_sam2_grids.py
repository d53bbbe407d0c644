"""Input grids that are not square: every position is the one the reference's own tables give for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from sam2_official import SMALL, official, twins

from vidmem.models.options import Options
from vidmem.models.pixels import normalise
from vidmem.models.position import axial_rotation, rotate, sine_map
from vidmem.models.sam2 import Sam2
from vidmem.values import Entry, Frame, Memory, Page, Pointer, Prompt, Question, resolve

CPU = torch.device("cpu")
WIDE = SMALL.at((96, 160))


def wide_pair():
    """The reference's parts over a wide grid, and our model over the same."""
    theirs, square = twins(SMALL)
    ours = Sam2(WIDE, Options(memory_dtype=torch.float32)).eval().requires_grad_(False)
    ours.load_state_dict(square.state_dict())
    layers = official(WIDE).memory_attention  # its rotations are tables made for the grid
    layers.load_state_dict(theirs.memory_attention.state_dict())
    theirs.memory_attention = layers.eval()
    encoder = theirs.sam_prompt_encoder
    encoder.image_embedding_size, encoder.input_image_size = WIDE.grid, WIDE.image_size
    return theirs, ours


@pytest.mark.parametrize("size", [(6, 10), (16, 16), (9, 4)])
def test_tables_are_those_of_the_reference(size):
    pytest.importorskip("sam2")
    from sam2.modeling.position_encoding import PositionEmbeddingSine, apply_rotary_enc, compute_axial_cis

    height, width = size
    theirs = PositionEmbeddingSine(32, normalize=True)(torch.zeros(1, 32, height, width))[0]
    assert torch.equal(sine_map(32, height, width, CPU), theirs)
    tokens = torch.randn(1, 1, height * width, 32)
    turned, _ = apply_rotary_enc(tokens, tokens, compute_axial_cis(32, width, height))
    assert (rotate(tokens, axial_rotation(32, height, width, CPU)) - turned).abs().max() < 1e-5


@torch.inference_mode()
def test_every_stage_over_a_wide_grid_is_that_of_the_reference():
    theirs, ours = wide_pair()
    height, width = WIDE.image_size
    frame = Frame(3, torch.randint(0, 256, (3, height, width), dtype=torch.uint8))
    features = ours.encode(frame)
    wanted = theirs.forward_image(normalise(frame.image)[None])
    for level, want in zip(features.levels, wanted["backbone_fpn"], strict=True):
        assert (level - want).abs().max() < 1e-4

    _, flat, places, sizes = theirs._prepare_backbone_features(wanted)
    rows, columns = WIDE.grid
    entry = Entry(2, torch.randn(rows * columns, WIDE.mem_dim), torch.randn(WIDE.d_model))
    assert isinstance(entry.tokens, torch.Tensor)
    kept = {
        "maskmem_features": entry.tokens.T.reshape(1, -1, rows, columns),
        "maskmem_pos_enc": [sine_map(WIDE.mem_dim, rows, columns, CPU)[None]],
        "obj_ptr": entry.object_pointer[None],
    }
    seen = theirs._prepare_memory_conditioned_features(
        frame_idx=3,
        is_init_cond_frame=False,
        current_vision_feats=flat[-1:],
        current_vision_pos_embeds=places[-1:],
        feat_sizes=sizes[-1:],
        output_dict={"cond_frame_outputs": {2: kept}, "non_cond_frame_outputs": {}},
        num_frames=16,
    )
    memory = Memory((Page(entry, 6),), (Pointer(entry, 1.0),))
    box = torch.tensor([20.0, 10, 150, 90])
    corners = box.reshape(1, 2, 2), torch.tensor([[2, 3]])
    sparse, dense = theirs.sam_prompt_encoder(points=corners, boxes=None, masks=None)
    masks, ious, _, score = theirs.sam_mask_decoder(
        image_embeddings=seen,
        image_pe=theirs.sam_prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=False,
        repeat_image=False,
        high_res_features=wanted["backbone_fpn"][:2],
    )
    (answer,) = ours.decode(features, [Question(memory, Prompt(1, box=box))])
    assert answer.masks.shape == (1, rows * 4, columns * 4)
    assert (answer.masks[0] - masks[0, 0]).abs().max() < 1e-4
    assert answer.pred_iou[0] == pytest.approx(ious.item(), abs=1e-5)
    assert answer.object_score_logit == pytest.approx(score.item(), abs=1e-4)

    guess = resolve(answer, 0, 3, present_above=-1e9)
    whole = torch.nn.functional.interpolate(guess.mask[None, None], WIDE.image_size, mode="bilinear")
    page, _ = theirs._encode_new_memory(flat, sizes, whole, torch.ones(1, 1), is_mask_from_pts=False)
    assert (ours.remember(features, [guess])[0] - page[0].flatten(1).T).abs().max() < 1e-4


@torch.inference_mode()
def test_a_page_pooled_from_equal_tokens_is_attended_like_the_whole_with_its_weight():
    """Four equal tokens count as one with a bias of log 4, if where they lie makes no difference."""
    torch.manual_seed(0)
    sizes = replace(SMALL, pointer_time=False)
    model = Sam2(sizes, Options(memory_dtype=torch.float32)).eval()
    for layer in model.memory_attention.layers:  # no place in the keys: they are the same whatever is remembered
        layer.get_parameter("cross_attn_image.k_proj.weight").zero_()
        layer.get_parameter("cross_attn_image.k_proj.bias").zero_()
    rows, columns = sizes.grid
    coarse = torch.randn(rows // 2, columns // 2, sizes.mem_dim)
    fine = coarse.repeat_interleave(2, 0).repeat_interleave(2, 1).flatten(0, 1)
    pointer = torch.randn(sizes.d_model)
    whole, pooled = Entry(0, fine, pointer), Entry(0, coarse.flatten(0, 1), pointer)
    features = model.encode(Frame(1, torch.randint(0, 256, (3, *sizes.image_size), dtype=torch.uint8)))
    other = Page(Entry(0, torch.randn(rows * columns, sizes.mem_dim), pointer), 6)
    asked = [
        Question(Memory((other, Page(whole, 0)), (Pointer(whole, 1.0),))),
        Question(Memory((other, Page(pooled, 0, key_bias=torch.tensor(4.0).log().item())), (Pointer(pooled, 1.0),))),
        Question(Memory((other, Page(pooled, 0)), (Pointer(pooled, 1.0),))),
    ]
    full, biased, unbiased = model.decode(features, asked)
    assert (full.masks - biased.masks).abs().max() < 1e-4
    assert (full.masks - unbiased.masks).abs().max() > 1e-4


def test_pooled_tokens_lie_at_the_centre_of_the_cells_they_stand_for():
    turned, _ = axial_rotation(32, 8, 8, CPU)
    pooled, _ = axial_rotation(32, 8, 8, CPU, stride=2)
    # The slowest frequency hardly turns: there the centre is the mean of its cells.
    slowest = turned.unflatten(0, (8, 8))[:, :, 7]
    mean = slowest.unflatten(1, (4, 2)).unflatten(0, (4, 2)).mean((1, 3))
    assert torch.allclose(pooled.unflatten(0, (4, 4))[:, :, 7], mean, atol=1e-4)
    assert sine_map(8, 8, 8, CPU, stride=2).shape == (8, 4, 4)
