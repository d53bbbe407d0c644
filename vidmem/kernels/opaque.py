"""Attention as one operator of a compiled graph: torch.compile cannot look into products with packed matrices."""

from __future__ import annotations

import torch
from torch import Tensor

from vidmem import kernels


@torch.library.custom_op("vidmem::attend", mutates_args=())
def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """`vidmem.kernels.attend`, chosen among its bodies when it is run."""
    return kernels.attend(q, k, v, bias).contiguous()


@attend.register_fake
def _(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    return q.new_empty(*q.shape[:3], v.shape[3])
