"""The reference implementation of SAM 2 (`pip install sam2`) in any size, for tests that compare with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from vidmem.models.options import Options
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import ARCHITECTURES, MICRO, Architecture
from vidmem.speed.official import predictor_of

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
    return predictor_of(sizes, **flags)


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
