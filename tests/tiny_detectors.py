"""Detectors of a few weights, and pictures for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from vidmem.detecting import VideoDetector
from vidmem.detectors.architecture import NANO, Architecture
from vidmem.detectors.detector import Detector
from vidmem.feature_banks.sampled import Sampled
from vidmem.values import Frame

CLASSES = ("zebra", "tiger", "snake")
TINY = replace(
    NANO,
    name="tiny",
    classes=CLASSES,
    short_side=48,
    long_side=64,
    neck=16,
    width=16,
    heads=4,
    likeness=0.0,
    rows=6,
    proposals_train=12,
    proposals_test=10,
    anchor_sizes=(12, 24),
    score_above=0.0,
    most=5,
)


def tiny(seed: int = 0, **changes: object) -> Detector:
    """A detector with weights drawn from a seed."""
    torch.manual_seed(seed)
    architecture: Architecture = replace(TINY, **changes)  # type: ignore[arg-type]
    return Detector(architecture).eval()


def remembering(detector: Detector | None = None, **options: object) -> VideoDetector:
    """One with MAMBA's memory."""
    return VideoDetector(detector or tiny(), Sampled(**options))  # type: ignore[arg-type]


def frames(count: int, seed: int = 0, size: tuple[int, int] = (48, 64)) -> list[Frame]:
    """Noise with a bright square that moves."""
    chance = np.random.default_rng(seed)
    made = []
    for number in range(count):
        image = chance.integers(0, 90, (3, *size), dtype=np.uint8)
        left = 4 + 3 * number % 30
        image[:, 10:30, left : left + 20] += 120
        made.append(Frame(number, torch.from_numpy(image), number / 24))
    return made
