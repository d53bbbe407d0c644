"""LWL's trained label encoder and decoder (Bhat et al. 2020, arXiv 2003.11540) from a file, as a part of a card.

It belongs to the image encoder it was trained on and is refused for any other (`vidmem/aiming.py` compares).
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from vidmem.targets.codings import Seen
from vidmem.targets.codings.files import find_learner, load_learner
from vidmem.targets.codings.network import Learner
from vidmem.values import Features


@dataclass(frozen=True)
class Trained:
    """Raises ModelError for weights that are not there, or are none of a coding."""

    weights: str = "nano-learner"  # what ships, by its name in weights/, or a path to a .safetensors file

    def __post_init__(self) -> None:
        _ = self.backbone  # refuses what is none before a frame is seen

    @property
    def decay(self) -> float:
        return self._decay

    @property
    def backbone(self) -> str:
        return self._on(torch.device("cpu")).backbone

    def prepare(self, features: Features) -> Seen:
        return self._on(features.levels[-1].device).prepare(features)

    def encode(self, mask: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
        return self._on(mask.device).encode(mask, grid)

    def decode(self, scores: Tensor, seen: Seen) -> Tensor:
        return self._on(scores.device).decode(scores, seen)

    @cached_property
    def _decay(self) -> float:
        return float(self._on(torch.device("cpu")).decay)

    @cached_property
    def _kept(self) -> dict[str, Learner]:
        """Device -> the learner there. Read once: a file that is replaced meanwhile changes no tracker on its way."""
        return {"cpu": load_learner(find_learner(self.weights))}

    def _on(self, device: torch.device) -> Learner:
        if str(device) not in self._kept:
            self._kept[str(device)] = deepcopy(self._kept["cpu"]).to(device)
        return self._kept[str(device)]
