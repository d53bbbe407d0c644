"""How rows of features are enhanced by others: MAMBA's generalised enhancement operation in both readings, and SELSA's.

Axes:  N rows that ask (queries),  M rows that are asked (keys),  C channels,  H heads,  D = C / H.
Each is a module that takes rows (N, C) and keys (M, C) and returns (N, C): what becomes of the rows.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vidmem.detectors.architecture import Architecture


class Geo(nn.Module):
    """X + concat_h(softmax(Q_h K_hᵀ / √D) V_h) W4, all four projections with a bias.

    MAMBA (Sun et al., AAAI 2021), section 3, as the authors released it (vfe.pytorch, mamba_aggregator).
    """

    def __init__(self, width: int, heads: int, likeness: float = 0.0):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        if likeness:
            for part, start in ((self.query, likeness), (self.key, likeness), (self.value, 1.0), (self.out, 0.0)):
                _begin(part, start)

    def forward(self, rows: Tensor, keys: Tensor) -> Tensor:
        q, k, v = (_split(each, self.heads) for each in (self.query(rows), self.key(keys), self.value(keys)))
        found = nn.functional.scaled_dot_product_attention(q, k, v)  # (H, N, D)
        return rows + self.out(found.transpose(0, 1).reshape(len(rows), -1))


class GeoRaw(nn.Module):
    """Each head averages the keys as they are, (N, C); the H averages are brought back to C by a grouped projection.

    The other reading of MAMBA's authors (Duckduckgod/MAMBA, generalized_enhancement). Two modes: attention X + A, or
    alignment: A while it learns, keep X + (1 - keep) A in tests, with queries and keys that begin as they are.
    """

    def __init__(self, width: int, heads: int, alignment: bool = False, keep: float = 0.7, likeness: float = 0.0):
        super().__init__()
        self.heads, self.alignment, self.keep = heads, alignment, keep
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.out = nn.Conv1d(heads * width, width, 1, groups=heads)
        nn.init.normal_(self.out.weight, std=0.01)  # as released
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]
        if alignment or likeness:
            for each in (self.query, self.key):
                _begin(each, 1.0 if alignment else likeness)

    def forward(self, rows: Tensor, keys: Tensor) -> Tensor:
        q, k = _split(self.query(rows), self.heads), _split(self.key(keys), self.heads)
        shares = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)  # (H, N, M)
        found = torch.einsum("hnm,mc->nhc", shares, keys).reshape(len(rows), -1, 1)
        aligned = self.out(found)[..., 0]
        if not self.alignment:
            return rows + aligned
        return aligned if self.training else self.keep * rows + (1 - self.keep) * aligned


class Selsa(nn.Module):
    """X + softmax(φ(X) ψ(K)ᵀ / √C) K: one head, values as they are.

    After Wu et al., Sequence Level Semantics Aggregation for Video Object Detection (ICCV 2019), section 3.
    """

    def __init__(self, width: int, likeness: float = 0.0):
        super().__init__()
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        if likeness:
            for each in (self.query, self.key):
                _begin(each, likeness)

    def forward(self, rows: Tensor, keys: Tensor) -> Tensor:
        q, k = self.query(rows), self.key(keys)
        return rows + (q @ k.T * q.shape[-1] ** -0.5).softmax(-1) @ keys


def _begin(layer: nn.Linear, start: float) -> None:
    """A square layer that gives back its rows times `start`."""
    with torch.no_grad():
        layer.weight.copy_(start * torch.eye(len(layer.weight)))
    nn.init.zeros_(layer.bias)


def _split(rows: Tensor, heads: int) -> Tensor:
    """(N, C) -> (H, N, D)."""
    return rows.view(len(rows), heads, -1).transpose(0, 1)


def build(architecture: Architecture, width: int) -> nn.Module | None:
    """The operation an architecture asks for, on rows of `width` channels; None where it attends to nothing."""
    match architecture.attention:
        case "geo":
            return Geo(width, architecture.heads, architecture.likeness)
        case "geo-raw":
            return GeoRaw(
                width, architecture.heads, architecture.alignment, architecture.align_keep, architecture.likeness
            )
        case "selsa":
            return Selsa(width, architecture.likeness)
        case _:
            return None
