"""Trained codings that were never trained, for tests of how they are used."""

from __future__ import annotations

from pathlib import Path

import torch

from vidmem.targets.codings.files import save_learner
from vidmem.targets.codings.network import Learner, Sizes


def learner_of(*features: int, backbone: str = "made", labels: int = 4) -> Learner:
    """A small one with random weights.     features: channels of each level of a model, finest first"""
    torch.manual_seed(3)
    return Learner(Sizes(features, width=8, labels=labels, masks=(4, 8), decoder=(4, 8, 8)), backbone)


def learner_file(folder: Path, *features: int, backbone: str = "made") -> Path:
    save_learner(learner_of(*features, backbone=backbone), folder / "learner.safetensors")
    return folder / "learner.safetensors"
