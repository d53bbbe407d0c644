"""SAM 2 of transformers (`pip install transformers`) as a side of a race, streaming frame by frame."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.errors import UsageError
from vidmem.models.hf_names import to_hugging_face
from vidmem.models.pixels import normalise
from vidmem.models.sizes import Architecture

if TYPE_CHECKING:
    from vidmem.models.sam2 import Sam2


class HuggingFace:
    """Its video model with a streaming session. It binarises prompted masks before it remembers them: answers differ
    from the reference's by that."""

    def __init__(
        self,
        model: Sam2,
        pictures: Sequence[Tensor],
        boxes: Mapping[int, Sequence[float]],
        precision: str,
        device: torch.device,
    ):
        self._model = model_of(model.sizes).to(device)
        weights = {name: each.float() for name, each in model.state_dict().items()}
        self._model.load_state_dict(to_hugging_face(weights), strict=True)
        from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

        self._half, self._kind = precision == "bf16", device.type
        height, width = model.sizes.image_size
        self._size = height, width
        self._session: Any = Sam2VideoInferenceSession(
            video_height=height, video_width=width, dtype=torch.float32, inference_device=device
        )
        for object_id, (x0, y0, x1, y1) in boxes.items():
            inputs = {
                "point_coords": torch.tensor([[[[x0, y0], [x1, y1]]]], device=device),
                "point_labels": torch.tensor([[[2, 3]]], device=device),
            }
            self._session.add_point_inputs(self._session.obj_id_to_idx(object_id), 0, inputs)
        self._session.obj_with_new_inputs = list(boxes)
        self._pictures, self._next = pictures, 0

    def step(self) -> dict[int, Tensor]:
        pixels = normalise(self._pictures[self._next].to(self._session.inference_device))
        self._next += 1
        half = torch.autocast(self._kind, torch.bfloat16) if self._half else contextlib.nullcontext()
        with torch.inference_mode(), half:
            found = self._model(self._session, frame=pixels)
        logits = F.interpolate(found.pred_masks.float(), self._size, mode="bilinear", align_corners=False)
        return {object_id: logits[row, 0] for row, object_id in enumerate(found.object_ids)}


def model_of(sizes: Architecture) -> Any:
    """Its video model of any sizes, with random weights. Raises UsageError where it is not installed, or the sizes are
    none it can have."""
    try:
        import transformers
    except ImportError as missing:
        raise UsageError("The peer transformers is not installed: pip install 'transformers>=5'.") from missing
    if not sizes.occlusion_embedding or sizes.mem_dim != 64:  # it has the width of a token written in its layers
        raise UsageError(
            f"The peer transformers has the parts of SAM 2.1 and tokens of 64 channels; {sizes.name} has not. Leave it "
            "out, or measure sam2.1-tiny."
        )
    height, width = sizes.image_size
    backbone = transformers.Sam2HieraDetConfig(
        hidden_size=sizes.embed_dim,
        num_attention_heads=sizes.num_heads,
        image_size=[height, width],
        window_positional_embedding_background_size=list(sizes.background_size),
        blocks_per_stage=list(sizes.stages),
        embed_dim_per_stage=list(sizes.channels),
        num_attention_heads_per_stage=[sizes.num_heads * 2**stage for stage in range(4)],
        window_size_per_stage=list(sizes.window_spec),
        global_attention_blocks=list(sizes.global_att_blocks),
    )
    vision = transformers.Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=list(reversed(sizes.channels)),
        backbone_feature_sizes=[[height // stride, width // stride] for stride in (4, 8, 16)],
        fpn_hidden_size=sizes.d_model,
    )
    config = transformers.Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": sizes.d_model, "image_size": height},
        mask_decoder_config={
            "hidden_size": sizes.d_model,
            "mlp_dim": sizes.decoder_feedforward,
            "iou_head_hidden_dim": sizes.iou_head_width,
            "dynamic_multimask_via_stability": False,
        },
        image_size=height,
        memory_attention_hidden_size=sizes.d_model,
        memory_attention_num_layers=sizes.memory_layers,
        memory_attention_feed_forward_hidden_size=sizes.dim_feedforward,
        memory_attention_rope_feat_sizes=list(sizes.grid),
        memory_encoder_hidden_size=sizes.d_model,
        memory_encoder_output_channels=sizes.mem_dim,
        mask_downsampler_embed_dim=sizes.d_model,
        memory_fuser_embed_dim=sizes.d_model,
        memory_fuser_intermediate_dim=4 * sizes.d_model,
    )
    return transformers.Sam2VideoModel(config).eval()
