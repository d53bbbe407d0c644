"""Where a SAM 2 begins that has seen nothing: the start without which no small model learns in hours.

PyTorch's own start damps every layer by 1 / sqrt(3). Behind the dozen layers between a mask that is shown and the mask
that is answered nothing is left of it, and the network settles on one answer for everything. Here signals keep their
size, the memory is loud, the picture is quiet, and memory attention begins as "look at the same place": the first thing
the model can do is to copy what it remembers. In the decoder a click and the place it was put at find each other, too.
Only values differ; sizes and names are those of every SAM 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from vidmem.errors import ModelError
from vidmem.models import checkpoints
from vidmem.models.memory_attention import MemoryAttentionLayer
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import ARCHITECTURES, Architecture, architecture
from vidmem.models.two_way import TwoWayBlock
from vidmem.training.growing import grown
from vidmem.training.widening import widened

GAIN = math.sqrt(3.0)  # undoes the damping of PyTorch's start
NECK, SKIPS = 0.15, 0.6  # how quiet the picture is beside the memory
SHARPNESS = (4.5, 2.5)  # of "the same place" in the first and the later memory attention layers
POINTED = 2.0  # how surely a click's token finds its place
SLOWEST = 0.15  # the slowest of the frequencies that code a place; the fastest is 1, as published
FASTEST = 4  # rotary frequencies of each axis that tell places apart


@torch.no_grad()
def initialise(model: Sam2) -> None:
    """Give a model the start. Random numbers come from torch's global generator: seed it to repeat a start."""
    for part in model.modules():
        if isinstance(part, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            part.weight.mul_(GAIN)
    _loud_masks(model)
    for number, layer in enumerate(model.memory_attention.layers):
        assert isinstance(layer, MemoryAttentionLayer)
        _look_at_the_same_place(layer, SHARPNESS[min(number, len(SHARPNESS) - 1)])
    for convolution in model.image_encoder.neck.modules():
        if isinstance(convolution, nn.Conv2d):
            convolution.weight.mul_(NECK)
    look_where_pointed(model)
    for skip in (model.sam_mask_decoder.conv_s0, model.sam_mask_decoder.conv_s1):
        skip.weight.mul_(SKIPS)


def _loud_masks(model: Sam2) -> None:
    """A mask of 0 and 1 reaches the decoder as -10 and 10, and the memory at twice its size."""
    downsample = model.mask_downsample
    downsample.weight.fill_(20 / downsample.weight.numel())
    assert downsample.bias is not None
    downsample.bias.fill_(-10.0)
    last = [part for part in model.memory_encoder.mask_downsampler.modules() if isinstance(part, nn.Conv2d)][-1]
    last.weight.mul_(2)


def _look_at_the_same_place(layer: MemoryAttentionLayer, sharpness: float) -> None:
    """Equal biases of queries and keys on the fastest rotating pairs: their product is greatest where both lie."""
    attention = layer.cross_attn_image
    width = attention.q_proj.out_features
    fast = torch.arange(min(FASTEST, width // 4))
    channels = torch.cat([2 * fast, 2 * (width // 4 + fast)])  # pairs lie side by side: first those of x, then of y
    for projection in (attention.q_proj, attention.k_proj):
        projection.weight.mul_(0.4)
        projection.bias.zero_()
        projection.bias[channels] = sharpness
    nn.init.orthogonal_(attention.v_proj.weight, 2.0)
    nn.init.orthogonal_(attention.out_proj.weight, 1.5)


@torch.no_grad()
def look_where_pointed(model: Sam2) -> None:
    """Tokens and image of the mask decoder begin by looking at each other where their codes of place agree.

    The codes get slow frequencies beside fast ones: inside and outside of a box is told by the slow ones.
    Random numbers come from torch's global generator.
    """
    matrix = model.sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
    features = matrix.shape[1]
    matrix.copy_(torch.randn_like(matrix) * torch.logspace(math.log10(SLOWEST), 0, features, device=matrix.device))
    for layer in model.sam_mask_decoder.transformer.layers:
        assert isinstance(layer, TwoWayBlock)
        for attention in (layer.cross_attn_token_to_image, layer.cross_attn_image_to_token):
            rows = torch.arange(attention.q_proj.out_features)
            frequency = rows // 2 * 2  # every other one: sine and cosine of each lie in the same head
            channels = frequency % features + (rows % 2) * features
            for projection in (attention.q_proj, attention.k_proj):
                projection.weight.mul_(0.3)
                assert projection.bias is not None
                projection.bias.mul_(0.3)
                projection.weight[rows, channels] += POINTED
    for kind in model.sam_prompt_encoder.point_embeddings:
        kind.get_parameter("weight").mul_(0.5)  # what a point means must not drown where it is


def sizes_of(name: str) -> Architecture:
    """The sizes called `name`, or those of weights: of an earlier embedded model, or of a checkpoint file.

    Raises UnknownName for neither, ModelError for a file that cannot be read.
    """
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    try:
        path, _ = checkpoints.find(name)
    except ModelError:
        return architecture(name)  # says which there are
    return checkpoints.read(path)[0]


def load(model: Sam2, init: str) -> None:
    """Begin with weights that exist: a model's name ("nano" is the embedded one) or a checkpoint file.

    Those of a shallower or of a half as wide model are grown: the model begins with their answers.
    Raises ModelError where there is none or it cannot become one of the model's sizes.
    """
    path, _ = checkpoints.find(init)
    sizes, weights = checkpoints.read(path)
    if sizes.fingerprint != model.sizes.fingerprint:
        try:
            weights = _as_large(weights, sizes, model)
        except ValueError as reason:
            raise ModelError(f"{path} holds {sizes.name}, which cannot begin {model.sizes.name}: {reason}") from None
    checkpoints.check(weights, model.state_dict(), path, model.sizes.name)
    model.load_state_dict({name: each.float() for name, each in weights.items()})


def _as_large(weights: Mapping[str, Tensor], sizes: Architecture, model: Sam2) -> Mapping[str, Tensor]:
    """Weights of `sizes` first deeper, then wider, with what is new as a model begins that has seen nothing."""
    wanted = model.sizes
    deeper = replace(
        sizes,
        stages=wanted.stages,
        global_att_blocks=wanted.global_att_blocks,
        memory_layers=wanted.memory_layers,
        image_size=wanted.image_size,
    )
    if deeper.fingerprint != sizes.fingerprint:
        fresh = Sam2(deeper)
        initialise(fresh)
        weights = grown(weights, sizes, deeper, fresh.state_dict())
    if wanted.fingerprint != deeper.fingerprint:
        initialise(model)
        weights = widened(weights, deeper, wanted, model.state_dict())
    return weights
