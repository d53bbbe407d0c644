"""The reference implementation of SAM 2 (`pip install sam2`, github.com/facebookresearch/sam2) as a side of a race."""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor

from vidmem.errors import UsageError
from vidmem.models.sizes import Architecture

if TYPE_CHECKING:
    from vidmem.models.sam2 import Sam2


class Official:
    """Its video predictor, all frames loaded beforehand. With `compiled` it is built as `vos_optimized` builds it."""

    def __init__(
        self,
        model: Sam2,
        pictures: Sequence[Tensor],
        boxes: Mapping[int, Sequence[float]],
        precision: str,
        device: torch.device,
        compiled: bool = False,
        store: torch.dtype = torch.bfloat16,
    ):
        self._half, self._kind, self._store = precision == "bf16", device.type, store
        predictor = predictor_of(model.sizes, compiled).to(device)
        predictor.load_state_dict({name: each.float() for name, each in model.state_dict().items()})
        with tempfile.TemporaryDirectory() as folder, _silently():
            for number, picture in enumerate(pictures):
                Image.fromarray(picture.permute(1, 2, 0).cpu().numpy()).save(Path(folder) / f"{number}.jpg", quality=95)
            state = predictor.init_state(folder)
        # What JPEG made of the pictures is put right: all sides see the same.
        mean, deviation = (torch.tensor(each)[:, None, None] for each in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        state["images"] = torch.stack([(picture.cpu().float() / 255 - mean) / deviation for picture in pictures]).to(
            device
        )
        state["cached_features"].clear()  # of the first picture as JPEG made it
        with self._precision(), _storing(store):
            for object_id, box in boxes.items():
                predictor.add_new_points_or_box(state, 0, object_id, box=list(box))
        self._frames = predictor.propagate_in_video(state)

    def step(self) -> dict[int, Tensor]:
        with self._precision(), _storing(self._store):
            _, ids, logits = next(self._frames)
        return {object_id: logits[row, 0] for row, object_id in enumerate(ids)}

    @contextlib.contextmanager
    def _precision(self) -> Any:
        """Autocast that keeps its copies of weights from frame to frame, as one around a whole video does."""
        was = torch.is_autocast_enabled(self._kind), torch.get_autocast_dtype(self._kind)
        torch.autocast_increment_nesting()
        torch.set_autocast_enabled(self._kind, self._half)
        torch.set_autocast_dtype(self._kind, torch.bfloat16)
        try:
            with torch.inference_mode(), _silently():
                yield
        finally:
            torch.set_autocast_enabled(self._kind, was[0])
            torch.set_autocast_dtype(self._kind, was[1])


class _Torch:
    """torch as the predictor's module sees it, that stores memories in `bfloat16`: here whatever is wanted."""

    def __init__(self, store: torch.dtype):
        self.bfloat16 = store

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


@contextlib.contextmanager
def _storing(dtype: torch.dtype) -> Any:
    """Memories stored in another dtype than its bfloat16, for comparisons finer than that."""
    import sam2.sam2_video_predictor as module

    was, module.torch = module.torch, torch if dtype == torch.bfloat16 else _Torch(dtype)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        module.torch = was  # type: ignore[attr-defined]


@contextlib.contextmanager
def _silently() -> Any:
    """Without its progress bars, and without the warning, every frame, that its CUDA extension is missing."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def predictor_of(sizes: Architecture, compiled: bool = False, **flags: Any) -> Any:
    """The reference's video predictor of any sizes, with random weights, configured as its published files configure
    2.0 and 2.1 for tracking. flags: further arguments of it. Raises UsageError where it is not installed."""
    try:
        from sam2.modeling.backbones.hieradet import Hiera
        from sam2.modeling.backbones.image_encoder import FpnNeck, ImageEncoder
        from sam2.modeling.memory_attention import MemoryAttention, MemoryAttentionLayer
        from sam2.modeling.memory_encoder import CXBlock, Fuser, MaskDownSampler, MemoryEncoder
        from sam2.modeling.position_encoding import PositionEmbeddingSine
        from sam2.modeling.sam.transformer import RoPEAttention
        from sam2.sam2_video_predictor import SAM2VideoPredictor, SAM2VideoPredictorVOS
    except ImportError as missing:
        raise UsageError("The peer sam2 is not installed: pip install sam2==1.1.0.") from missing

    width, narrow, (rows, columns) = sizes.d_model, sizes.mem_dim, sizes.grid
    turning = partial(
        RoPEAttention, embedding_dim=width, num_heads=1, downsample_rate=1, dropout=0.0, feat_sizes=(columns, rows)
    )
    layer = MemoryAttentionLayer(
        activation="relu",
        d_model=width,
        dim_feedforward=sizes.dim_feedforward,
        dropout=0.0,
        pos_enc_at_attn=False,
        self_attention=turning(),
        cross_attention=turning(rope_k_repeat=True, kv_in_dim=narrow),
        pos_enc_at_cross_attn_keys=True,
        pos_enc_at_cross_attn_queries=False,
    )
    trunk = Hiera(
        embed_dim=sizes.embed_dim,
        num_heads=sizes.num_heads,
        stages=sizes.stages,
        global_att_blocks=sizes.global_att_blocks,
        window_spec=sizes.window_spec,
        window_pos_embed_bkg_spatial_size=sizes.background_size,
    )
    neck = FpnNeck(
        position_encoding=PositionEmbeddingSine(width, normalize=True, temperature=10000),
        d_model=width,
        backbone_channel_list=list(reversed(sizes.channels)),
        fpn_top_down_levels=[2, 3],
        fpn_interp_model="nearest",
    )
    fuser = CXBlock(width, layer_scale_init_value=sizes.layer_scale)
    maker = SAM2VideoPredictorVOS if compiled else SAM2VideoPredictor
    return maker(
        image_encoder=ImageEncoder(scalp=1, trunk=trunk, neck=neck),
        memory_attention=MemoryAttention(width, pos_enc_at_input=True, layer=layer, num_layers=sizes.memory_layers),
        memory_encoder=MemoryEncoder(
            in_dim=width,
            out_dim=narrow,
            position_encoding=PositionEmbeddingSine(narrow, normalize=True, temperature=10000),
            mask_downsampler=MaskDownSampler(width, kernel_size=3, stride=2, padding=1),
            fuser=Fuser(fuser, num_layers=2),
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
