"""The two layers a bridge is made of: attention that adds to what asked, and a transformer block, both post-normed."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.kernels import attend


class Attending(nn.Module):
    """LayerNorm(x + Dropout(W_o MHA(x, past))): queries from x, keys and values from `past`."""

    def __init__(self, width: int, heads: int, dropout: float, eps: float):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, past: Tensor) -> Tensor:
        """x (B, M, C)   past (B, N, C)   ->   (B, M, C)"""
        q, k, v = (
            layer(each).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, each in ((self.query, x), (self.key, past), (self.value, past))
        )
        seen = attend(q, k, v).transpose(1, 2).flatten(2)
        return _normed(self.norm, x + self.dropout(self.out(seen)))


class Block(nn.Module):
    """A BERT-like layer: full self-attention, then an MLP with GELU, each followed by LayerNorm."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, eps: float):
        super().__init__()
        self.attention = Attending(width, heads, dropout, eps)
        self.widen, self.narrow = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm = nn.LayerNorm(width, eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, C) -> (B, N, C)"""
        x = self.attention(x, x)
        return _normed(self.norm, x + self.dropout(self.narrow(F.gelu(self.widen(x)))))


def _normed(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    """In single precision: the published epsilon 1e-12 is 0 in half precision, and an even row would become NaN."""
    weight, bias = norm.weight.float(), norm.bias.float()
    return F.layer_norm(x.float(), norm.normalized_shape, weight, bias, norm.eps).to(x.dtype)
