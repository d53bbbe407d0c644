"""The mask decoder of SAM 2: four masks, how good each is thought to be, and whether the object is there at all."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vidmem.models.layers import MLP, LayerNorm2d, Pointwise
from vidmem.models.sizes import Architecture
from vidmem.models.two_way import TwoWayTransformer

MASKS = 4  # one for a clear prompt, three for one that may mean several things


class Decoded(NamedTuple):
    """What the decoder offers. Mask 0 answers a clear prompt, masks 1 to 3 one that may mean several things."""

    masks: Tensor  # (B, 4, h, w) logits
    pred_iou: Tensor  # (B, 4) 0..1
    tokens: Tensor  # (B, 4, C) what each mask was drawn from
    object_score: Tensor  # (B, 1) logit


class MaskDecoder(nn.Module):
    """Tokens and image look at each other; each mask token then becomes a filter over the upscaled image."""

    def __init__(self, sizes: Architecture):
        super().__init__()
        width = sizes.d_model
        self.transformer = TwoWayTransformer(width, heads=8, feedforward=sizes.decoder_feedforward)
        self.iou_token = nn.Embedding(1, width)
        self.mask_tokens = nn.Embedding(MASKS, width)
        self.obj_score_token = nn.Embedding(1, width)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(width, width // 4, kernel_size=2, stride=2),
            LayerNorm2d(width // 4),
            nn.GELU(),
            nn.ConvTranspose2d(width // 4, width // 8, kernel_size=2, stride=2),
            nn.GELU(),
        )
        self.conv_s0 = Pointwise(width, width // 8)
        self.conv_s1 = Pointwise(width, width // 4)
        self.output_hypernetworks_mlps = nn.ModuleList(MLP((width, width, width, width // 8)) for _ in range(MASKS))
        self.iou_prediction_head = MLP((width, sizes.iou_head_width, sizes.iou_head_width, MASKS))
        self.pred_obj_score_head = MLP((width, width, width, 1))

    def forward(
        self, image: Tensor, image_position: Tensor, sparse: Tensor, dense: Tensor, s8: Tensor, s4: Tensor
    ) -> Decoded:
        """image (B or 1, C, h, w)   image_position (C, h, w)   sparse (B, T, C)   dense (B or 1, C, h, w)
        s8 (B or 1, C / 4, 2h, 2w)   s4 (B or 1, C / 8, 4h, 4w)"""
        batch, height, width = len(sparse), *image.shape[2:]
        own = torch.cat([self.obj_score_token.weight, self.iou_token.weight, self.mask_tokens.weight])
        tokens = torch.cat((own.expand(batch, -1, -1), sparse), dim=1)
        flat = (image + dense).expand(batch, -1, -1, -1).flatten(2).transpose(1, 2)
        tokens, flat = self.transformer(tokens, flat, image_position.flatten(1).T)

        drawn = tokens[:, 2 : 2 + MASKS]
        upscale1, norm, activate, upscale2, _ = self.output_upscaling
        fine = flat.transpose(1, 2).unflatten(2, (height, width))
        fine = activate(norm(upscale1(fine) + s8))
        fine = activate(upscale2(fine) + s4)
        filters = torch.stack([mlp(drawn[:, i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)], dim=1)
        masks = (filters @ fine.flatten(2)).unflatten(2, fine.shape[2:])
        return Decoded(
            masks, self.iou_prediction_head(tokens[:, 1]).sigmoid(), drawn, self.pred_obj_score_head(tokens[:, 0])
        )
