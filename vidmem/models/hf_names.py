"""The names of SAM 2's weights at Hugging Face, from and to the published ones."""

from __future__ import annotations

import re

import torch
from torch import Tensor

Weights = dict[str, Tensor]

_MLP3 = (("layers.0", "proj_in"), ("layers.1", "layers.0"), ("layers.2", "proj_out"))
_MLP2 = (("layers.0", "proj_in"), ("layers.1", "proj_out"))


def _mlp(ours: str, theirs: str, parts: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return [(f"{ours}.{a}", f"{theirs}.{b}") for a, b in parts]


# Read from the top, in either direction: the first line whose beginning fits. {i} stands for a number, {a} for a word.
_TABLE: list[tuple[str, str]] = [
    ("image_encoder.trunk.patch_embed.proj", "vision_encoder.backbone.patch_embed.projection"),
    ("image_encoder.trunk.blocks.{i}.norm{i}", "vision_encoder.backbone.blocks.{i}.layer_norm{i}"),
    *_mlp("image_encoder.trunk.blocks.{i}.mlp", "vision_encoder.backbone.blocks.{i}.mlp", _MLP2),
    ("image_encoder.trunk", "vision_encoder.backbone"),
    ("image_encoder.neck.convs.{i}.conv", "vision_encoder.neck.convs.{i}"),
    ("memory_attention.layers.{i}.{a}.out_proj", "memory_attention.layers.{i}.{a}.o_proj"),
    ("memory_attention.layers.{i}.norm{i}", "memory_attention.layers.{i}.layer_norm{i}"),
    ("memory_attention.norm", "memory_attention.layer_norm"),
    ("memory_attention", "memory_attention"),
    *(
        line
        for step in range(4)
        for line in (
            (
                f"memory_encoder.mask_downsampler.encoder.{3 * step}",
                f"memory_encoder.mask_downsampler.layers.{step}.conv",
            ),
            (
                f"memory_encoder.mask_downsampler.encoder.{3 * step + 1}",
                f"memory_encoder.mask_downsampler.layers.{step}.layer_norm",
            ),
        )
    ),
    ("memory_encoder.mask_downsampler.encoder.12", "memory_encoder.mask_downsampler.final_conv"),
    ("memory_encoder.pix_feat_proj", "memory_encoder.feature_projection"),
    ("memory_encoder.fuser.layers.{i}.gamma", "memory_encoder.memory_fuser.layers.{i}.scale"),
    ("memory_encoder.fuser.layers.{i}.dwconv", "memory_encoder.memory_fuser.layers.{i}.depthwise_conv"),
    ("memory_encoder.fuser.layers.{i}.norm", "memory_encoder.memory_fuser.layers.{i}.layer_norm"),
    ("memory_encoder.fuser.layers.{i}.pwconv{i}", "memory_encoder.memory_fuser.layers.{i}.pointwise_conv{i}"),
    ("memory_encoder.out_proj", "memory_encoder.projection"),
    ("sam_prompt_encoder.mask_downscaling.0", "prompt_encoder.mask_embed.conv1"),
    ("sam_prompt_encoder.mask_downscaling.1", "prompt_encoder.mask_embed.layer_norm1"),
    ("sam_prompt_encoder.mask_downscaling.3", "prompt_encoder.mask_embed.conv2"),
    ("sam_prompt_encoder.mask_downscaling.4", "prompt_encoder.mask_embed.layer_norm2"),
    ("sam_prompt_encoder.mask_downscaling.6", "prompt_encoder.mask_embed.conv3"),
    ("sam_prompt_encoder.no_mask_embed", "prompt_encoder.no_mask_embed"),
    ("sam_prompt_encoder.not_a_point_embed", "prompt_encoder.not_a_point_embed"),
    ("sam_mask_decoder.transformer.layers.{i}.{a}.out_proj", "mask_decoder.transformer.layers.{i}.{a}.o_proj"),
    ("sam_mask_decoder.transformer.layers.{i}.norm{i}", "mask_decoder.transformer.layers.{i}.layer_norm{i}"),
    *_mlp("sam_mask_decoder.transformer.layers.{i}.mlp", "mask_decoder.transformer.layers.{i}.mlp", _MLP2),
    ("sam_mask_decoder.transformer.{a}.out_proj", "mask_decoder.transformer.{a}.o_proj"),
    ("sam_mask_decoder.transformer.norm_final_attn", "mask_decoder.transformer.layer_norm_final_attn"),
    ("sam_mask_decoder.output_upscaling.0", "mask_decoder.upscale_conv1"),
    ("sam_mask_decoder.output_upscaling.1", "mask_decoder.upscale_layer_norm"),
    ("sam_mask_decoder.output_upscaling.3", "mask_decoder.upscale_conv2"),
    *_mlp("sam_mask_decoder.output_hypernetworks_mlps.{i}", "mask_decoder.output_hypernetworks_mlps.{i}", _MLP3),
    *_mlp("sam_mask_decoder.iou_prediction_head", "mask_decoder.iou_prediction_head", _MLP3),
    *_mlp("sam_mask_decoder.pred_obj_score_head", "mask_decoder.pred_obj_score_head", _MLP3),
    ("sam_mask_decoder", "mask_decoder"),
    *_mlp("obj_ptr_proj", "object_pointer_proj", _MLP3),
    ("obj_ptr_tpos_proj", "temporal_positional_encoding_projection_layer"),
    ("mask_downsample", "mask_downsample"),
    ("maskmem_tpos_enc", "memory_temporal_positional_encoding"),
    ("no_mem_embed", "no_memory_embedding"),
    ("no_mem_pos_enc", "no_memory_positional_encoding"),
    ("no_obj_ptr", "no_object_pointer"),
    ("no_obj_embed_spatial", "occlusion_spatial_embedding_parameter"),
]

# What is not a mere renaming: one code of places that they keep twice, and four point kinds that they keep together.
_PLACES = "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
_THEIR_PLACES = ("shared_image_embedding.positional_embedding", "prompt_encoder.shared_embedding.positional_embedding")
_KINDS = tuple(f"sam_prompt_encoder.point_embeddings.{kind}.weight" for kind in range(4))
_THEIR_KINDS = "prompt_encoder.point_embed.weight"


def _pattern(beginning: str) -> re.Pattern[str]:
    escaped = re.escape(beginning).replace(r"\{i\}", r"(\d+)").replace(r"\{a\}", "([a-z_]+)")
    return re.compile(escaped + r"(?=\.|$)")


def _reader(table: list[tuple[str, str]]) -> list[tuple[re.Pattern[str], str]]:
    return [(_pattern(a), re.sub(r"\{[ia]\}", "{}", b)) for a, b in table]


_TO_THEIRS, _TO_OURS = _reader(_TABLE), _reader([(theirs, ours) for ours, theirs in _TABLE])


def _renamed(key: str, reader: list[tuple[re.Pattern[str], str]]) -> str:
    """The key's other name; an unknown key keeps its own, so that it can be named as unexpected."""
    for pattern, template in reader:
        if found := pattern.match(key):
            return template.format(*found.groups()) + key[found.end() :]
    return key


def is_hugging_face(weights: Weights) -> bool:
    """Whether weights bear the names of Hugging Face."""
    return any(key.startswith("vision_encoder.") for key in weights)


def to_official(weights: Weights) -> Weights:
    """Weights under their published names."""
    renamed = {}
    for key, tensor in weights.items():
        if key in _THEIR_PLACES:
            renamed[_PLACES] = tensor
        elif key == _THEIR_KINDS:
            renamed |= dict(zip(_KINDS, tensor.split(1), strict=False))
        else:
            renamed[_renamed(key, _TO_OURS)] = tensor
    return renamed


def to_hugging_face(weights: Weights) -> Weights:
    """Weights under the names of transformers' Sam2VideoModel."""
    renamed = {}
    for key, tensor in weights.items():
        if key == _PLACES:
            renamed |= {theirs: tensor.clone() for theirs in _THEIR_PLACES}
        elif key not in _KINDS:
            renamed[_renamed(key, _TO_THEIRS)] = tensor
    if all(key in weights for key in _KINDS):
        renamed[_THEIR_KINDS] = torch.cat([weights[key] for key in _KINDS])
    return renamed
