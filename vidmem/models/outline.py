"""The mask decoder as it runs while tracking: fewer and larger products, made ready once.

Says what `MaskDecoder` says, to rounding. What the image is asked by the tokens and asks of them comes from one
product, since (image + position) W = image W + position W and the latter stands still; the four filters are made
together; maps keep their channels last, so that no layer turns them round. Training goes through `MaskDecoder` itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.kernels import attend
from vidmem.kernels.packed import Matrix, matrix
from vidmem.models.derived import Derived, Weights
from vidmem.models.layers import MLP, Attention, LayerNorm2d
from vidmem.models.mask_decoder import MASKS, Decoded, MaskDecoder
from vidmem.models.two_way import TwoWayBlock


@dataclass(frozen=True, eq=False)
class _Ready:
    """Weights as they are used here."""

    own: Tensor  # (2 + MASKS, C): the tokens every prompt begins with
    seen: tuple[Matrix, ...]  # of each block and the last look: keys, values and, of a block, queries of the image
    places: tuple[Tensor, ...]  # (N, ...) what position and bias add to each
    own_queries: Matrix  # (3 C, C) of the first block, whose tokens are their own position
    filters: tuple[tuple[Tensor, Tensor], ...]  # (MASKS, C, ...) and (MASKS, 1, ...): the layers of the four MLPs
    finer: tuple[Matrix, Matrix]  # the two transposed convolutions


class Outline:
    """Runs a `MaskDecoder`."""

    def __init__(self, decoder: MaskDecoder):
        self._decoder = decoder
        self._weights = Weights(decoder)
        self._ready: Derived[_Ready] = Derived()

    def __call__(
        self, image: Tensor, image_position: Tensor, sparse: Tensor, dense: Tensor, s8: Tensor, s4: Tensor
    ) -> Decoded:
        """Arguments as those of `MaskDecoder`. No gradients."""
        decoder, (height, width) = self._decoder, image.shape[2:]
        position = image_position.flatten(1).T
        weights = [*self._weights(), image_position]
        ready = self._ready((height, width), weights, partial(_prepared, decoder, position))
        tokens = torch.cat((ready.own.expand(len(sparse), -1, -1), sparse), dim=1)
        flat = (image + dense).permute(0, 2, 3, 1).flatten(1, 2).expand(len(sparse), -1, -1)
        tokens, flat = self._look(ready, tokens, flat)

        drawn = tokens[:, 2 : 2 + MASKS]
        norm = decoder.output_upscaling[1]
        assert isinstance(norm, LayerNorm2d)
        fine = _doubled(flat.unflatten(1, (height, width)), ready.finer[0]) + s8.permute(0, 2, 3, 1)
        fine = F.gelu(F.layer_norm(fine, norm.weight.shape, norm.weight, norm.bias, norm.eps))
        fine = F.gelu(_doubled(fine, ready.finer[1]) + s4.permute(0, 2, 3, 1))
        masks = _filters(ready, drawn) @ fine.flatten(1, 2).transpose(1, 2)
        return Decoded(
            masks.unflatten(2, fine.shape[1:3]),
            decoder.iou_prediction_head(tokens[:, 1]).sigmoid(),
            drawn,
            decoder.pred_obj_score_head(tokens[:, 0]),
        )

    def _look(self, ready: _Ready, tokens: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, T, C) and image (B, N, C), as seen by each other."""
        transformer, position = self._decoder.transformer, tokens
        for layer, seen, place in zip(transformer.layers, ready.seen, ready.places, strict=False):
            assert isinstance(layer, TwoWayBlock)
            if layer.first:
                keys, values, queries = ready.own_queries(tokens).chunk(3, dim=2)
                tokens = layer.self_attn.out_proj(_heads(queries, keys, values, layer.self_attn))
            else:
                placed = tokens + position
                tokens = tokens + layer.self_attn(placed, placed, tokens)
            tokens = layer.norm1(tokens)
            keys, values, queries = (seen(image) + place).chunk(3, dim=2)
            look = layer.cross_attn_token_to_image
            tokens = tokens + look.out_proj(_heads(look.q_proj(tokens + position), keys, values, look))
            tokens = layer.norm2(tokens)
            tokens = layer.norm3(tokens + layer.mlp(tokens))
            back = layer.cross_attn_image_to_token
            told = _heads(queries, back.k_proj(tokens + position), back.v_proj(tokens), back)
            image = layer.norm4(image + back.out_proj(told))
        last = transformer.final_attn_token_to_image
        keys, values = (ready.seen[-1](image) + ready.places[-1]).chunk(2, dim=2)
        looked = last.out_proj(_heads(last.q_proj(tokens + position), keys, values, last))
        return transformer.norm_final_attn(tokens + looked), image


def _heads(q: Tensor, k: Tensor, v: Tensor, layer: Attention) -> Tensor:
    """(B, M, C) attention of a layer's heads, not yet projected."""
    split = (len(k), -1, layer.heads, q.shape[2] // layer.heads)
    q, k, v = (x.reshape(split).transpose(1, 2) for x in (q, k, v))
    return attend(q, k, v).transpose(1, 2).flatten(2)


def _doubled(x: Tensor, weight: Matrix) -> Tensor:
    """A transposed convolution of 2 x 2 in steps of 2.     (B, h, w, C) -> (B, 2h, 2w, N)"""
    batch, height, width, _ = x.shape
    return weight(x).view(batch, height, width, 2, 2, -1).transpose(2, 3).reshape(batch, 2 * height, 2 * width, -1)


def _filters(ready: _Ready, drawn: Tensor) -> Tensor:
    """(B, MASKS, C) -> (B, MASKS, C / 8): each mask's token through its own MLP."""
    x = drawn.transpose(0, 1)
    for depth, (weight, bias) in enumerate(ready.filters):
        x = torch.baddbmm(bias, x.relu() if depth else x, weight)
    return x.transpose(0, 1)


def _prepared(decoder: MaskDecoder, position: Tensor) -> _Ready:
    blocks = [layer for layer in decoder.transformer.layers if isinstance(layer, TwoWayBlock)]
    of_image: list[
        Sequence[tuple[nn.Linear, bool]]
    ] = []  # the layers that see the image, and whether with its position
    for layer in blocks:
        look, back = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
        of_image.append(((look.k_proj, True), (look.v_proj, False), (back.q_proj, True)))
    last = decoder.transformer.final_attn_token_to_image
    of_image.append(((last.k_proj, True), (last.v_proj, False)))
    own = blocks[0].self_attn
    mine = (own.k_proj, own.v_proj, own.q_proj)
    mlps = [mlp for mlp in decoder.output_hypernetworks_mlps if isinstance(mlp, MLP)]
    alike = zip(*(mlp.layers for mlp in mlps), strict=True)  # the first layers of all, the second of all, …
    layers = [[layer for layer in each if isinstance(layer, nn.Linear)] for each in alike]
    return _Ready(
        torch.cat([decoder.obj_score_token.weight, decoder.iou_token.weight, decoder.mask_tokens.weight]),
        tuple(matrix(torch.cat([linear.weight for linear, _ in each])) for each in of_image),
        tuple(torch.cat([_place(linear, position, at) for linear, at in each], dim=1) for each in of_image),
        matrix(torch.cat([each.weight for each in mine]), torch.cat([each.bias for each in mine])),
        tuple(
            (torch.stack([each.weight.T for each in alike]), torch.stack([each.bias[None] for each in alike]))
            for alike in layers
        ),
        (_as_product(decoder.output_upscaling[0]), _as_product(decoder.output_upscaling[3])),
    )


def _place(linear: nn.Linear, position: Tensor, placed: bool) -> Tensor:
    """(N, C) what a layer adds to its product with the image alone."""
    bias = linear.bias.double().expand(len(position), -1)
    return (bias + position.double() @ linear.weight.double().T if placed else bias).type_as(linear.bias)


def _as_product(convolution: nn.Module) -> Matrix:
    """A transposed convolution of 2 x 2 in steps of 2 as one matrix, its result (2, 2, channels)."""
    assert isinstance(convolution, nn.ConvTranspose2d) and convolution.bias is not None
    weight = convolution.weight.permute(2, 3, 1, 0).flatten(0, 2)
    return matrix(weight, convolution.bias.repeat(4))
