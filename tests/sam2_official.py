"""The reference implementation of SAM 2 (`pip install sam2`) in any size, for tests that compare with it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from vidmem.models.options import Options
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import ARCHITECTURES, MICRO, Architecture

# The reference has these two widths fixed.
SMALL = replace(MICRO, decoder_feedforward=2048, iou_head_width=256)
SMALL_20 = replace(SMALL, name="micro-2.0", occlusion_embedding=False, pointer_time=False)
# The blocks, heads and windows of the published tiny in few channels. 160 pixels: no window but the first two divides.
TINY_BLOCKS = replace(
    ARCHITECTURES["sam2.1-tiny"],
    name="tiny-blocks",
    embed_dim=8,
    d_model=32,
    mem_dim=8,
    dim_feedforward=64,
    image_size=(160, 160),
)


class SinglePrecision:
    """torch as a module sees it that stores memories in bfloat16, where a difference of 1e-7 may become one of 4e-3 by
    rounding. With this, both sides store them as computed."""

    bfloat16 = torch.float32

    def __getattr__(self, name: str):
        return getattr(torch, name)


def official(sizes: Architecture, **flags):
    """The reference's video predictor of these sizes, with random weights."""
    pytest.importorskip("sam2", reason="the reference implementation is not installed (pip install 'vidmem[dev]')")
    from sam2.modeling.backbones.hieradet import Hiera
    from sam2.modeling.backbones.image_encoder import FpnNeck, ImageEncoder
    from sam2.modeling.memory_attention import MemoryAttention, MemoryAttentionLayer
    from sam2.modeling.memory_encoder import CXBlock, Fuser, MaskDownSampler, MemoryEncoder
    from sam2.modeling.position_encoding import PositionEmbeddingSine
    from sam2.modeling.sam.transformer import RoPEAttention
    from sam2.sam2_video_predictor import SAM2VideoPredictor

    width, narrow, (rows, columns) = sizes.d_model, sizes.mem_dim, sizes.grid
    rotary = partial(
        RoPEAttention, embedding_dim=width, num_heads=1, downsample_rate=1, dropout=0.0, feat_sizes=(columns, rows)
    )
    layer = MemoryAttentionLayer(
        activation="relu",
        d_model=width,
        dim_feedforward=sizes.dim_feedforward,
        dropout=0.0,
        pos_enc_at_attn=False,
        self_attention=rotary(),
        cross_attention=rotary(rope_k_repeat=True, kv_in_dim=narrow),
        pos_enc_at_cross_attn_keys=True,
        pos_enc_at_cross_attn_queries=False,
    )
    return SAM2VideoPredictor(
        image_encoder=ImageEncoder(
            scalp=1,
            trunk=Hiera(
                embed_dim=sizes.embed_dim,
                num_heads=sizes.num_heads,
                stages=sizes.stages,
                global_att_blocks=sizes.global_att_blocks,
                window_spec=sizes.window_spec,
                window_pos_embed_bkg_spatial_size=sizes.background_size,
            ),
            neck=FpnNeck(
                position_encoding=PositionEmbeddingSine(width, normalize=True, temperature=10000),
                d_model=width,
                backbone_channel_list=list(reversed(sizes.channels)),
                fpn_top_down_levels=[2, 3],
                fpn_interp_model="nearest",
            ),
        ),
        memory_attention=MemoryAttention(
            d_model=width, pos_enc_at_input=True, layer=layer, num_layers=sizes.memory_layers
        ),
        memory_encoder=MemoryEncoder(
            in_dim=width,
            out_dim=narrow,
            position_encoding=PositionEmbeddingSine(narrow, normalize=True, temperature=10000),
            mask_downsampler=MaskDownSampler(width, kernel_size=3, stride=2, padding=1),
            fuser=Fuser(CXBlock(width, layer_scale_init_value=sizes.layer_scale), num_layers=2),
        ),
        num_maskmem=sizes.num_maskmem,
        image_size=sizes.image_size[0],
        sigmoid_scale_for_mem_enc=20.0,
        sigmoid_bias_for_mem_enc=-10.0,
        use_mask_input_as_output_without_sam=True,
        directly_add_no_mem_embed=True,
        no_obj_embed_spatial=sizes.occlusion_embedding,
        use_high_res_features_in_sam=True,
        multimask_output_in_sam=True,
        multimask_min_pt_num=0,
        multimask_max_pt_num=1,
        multimask_output_for_tracking=True,
        use_multimask_token_for_obj_ptr=True,
        iou_prediction_use_sigmoid=True,
        use_obj_ptrs_in_encoder=True,
        add_tpos_enc_to_obj_ptrs=sizes.pointer_time,
        proj_tpos_enc_in_obj_ptrs=sizes.pointer_time,
        use_signed_tpos_enc_to_obj_ptrs=sizes.pointer_time,
        only_obj_ptrs_in_the_past_for_eval=True,
        pred_obj_scores=True,
        pred_obj_scores_mlp=True,
        fixed_no_obj_ptr=True,
        use_mlp_for_obj_ptr_proj=True,
        **flags,
    ).eval()


def twins(sizes: Architecture, seed: int = 0, options: Options | None = None, **flags):
    """The reference and our model with the same random weights, lively enough that every part shows in the result."""
    torch.manual_seed(seed)
    theirs = official(sizes, **flags)
    with torch.no_grad():
        for parameter in theirs.parameters():
            if parameter.ndim < 2 or min(parameter.shape[:2]) == 1:  # biases, norms, single vectors
                parameter.add_(0.3 * torch.randn_like(parameter))
            else:
                parameter.mul_(1.7)
        theirs.get_parameter("sam_mask_decoder.pred_obj_score_head.layers.2.bias").add_(5)  # most objects are there
        if sizes.pointer_time:
            theirs.get_parameter("obj_ptr_tpos_proj.weight").mul_(10)
    ours = Sam2(sizes, options or Options(memory_dtype=torch.float32))
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours.eval().requires_grad_(False)
