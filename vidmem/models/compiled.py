"""The image encoder through torch.compile: fewer, fused kernels, and on a GPU one graph that is replayed.

Only this part is the same for every frame, whatever is prompted and however many objects are followed: it is compiled
once for a model and a size of input, and nothing in a stream compiles it again. Asked for, never chosen silently: the
first frame waits for the compiler, half a minute or more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vidmem.errors import UsageError

if TYPE_CHECKING:
    from vidmem.models.sam2 import Sam2

BACKEND = "inductor"
Levels = tuple[Tensor, Tensor, Tensor]


class CompiledEncoder:
    """What `Sam2.encode_image` says, to rounding. A copy of it compiles for itself."""

    def __init__(self) -> None:
        self._run: Callable[[Tensor, Tensor], Levels] | None = None

    def __call__(self, model: Sam2, pixels: Tensor) -> Levels:
        """pixels (B, 3, H, W) normalised. Raises UsageError where there is no compiler."""
        trunk = model.image_encoder.trunk
        position = trunk.position_map(pixels.shape[2] // 4, pixels.shape[3] // 4)
        if self._run is None:
            on_gpu = pixels.device.type == "cuda"
            _wants_compiler()
            # On a GPU: as one CUDA graph. Its results lie where the next replay writes, and are copied.
            how: dict[str, Any] = {"mode": "reduce-overhead"} if on_gpu and BACKEND == "inductor" else {}
            stage = _Stage(model)
            self._run = torch.compile(stage, backend=BACKEND, dynamic=False, fullgraph=True, **how)
        s4, s8, s16 = self._run(pixels, position)
        if pixels.device.type == "cuda":
            s4, s8, s16 = s4.clone(), s8.clone(), s16.clone()
        return s4, s8, s16

    def __reduce__(self) -> tuple[type[CompiledEncoder], tuple[()]]:
        return type(self), ()


class _Stage(nn.Module):
    """Trunk, neck and the two convolutions behind it."""

    def __init__(self, model: Sam2):
        super().__init__()
        self.encoder = model.image_encoder
        self.skip4, self.skip8 = model.sam_mask_decoder.conv_s0, model.sam_mask_decoder.conv_s1

    def forward(self, pixels: Tensor, position: Tensor) -> Levels:
        s4, s8, s16 = self.encoder.neck(self.encoder.trunk(pixels, position))
        return self.skip4(s4), self.skip8(s8), s16


def _wants_compiler() -> None:
    if BACKEND != "inductor":
        return
    from torch._inductor.cpp_builder import get_cpp_compiler

    try:
        get_cpp_compiler()
    except RuntimeError as reason:
        raise UsageError(
            "model.compile needs a C++ compiler, and torch finds neither g++ nor clang++. Install one, or leave it out."
        ) from reason
