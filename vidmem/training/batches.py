"""What is learned from at once: clips, prompts and how they are followed. A function of recipe, step and part."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vidmem.training.clips import draw
from vidmem.training.prompts import Asked, Kind, ask
from vidmem.training.recipe import Recipe
from vidmem.training.sequences import Sequence


@dataclass(frozen=True, eq=False)
class Batch:
    """Some clips and what is asked of them."""

    images: Tensor  # (B, T, 3, S, S) uint8
    masks: Tensor  # (N, T, S, S) bool
    clip_of: Tensor  # (N,) which clip an object lives in
    asked: Asked
    others: tuple[Asked, ...]  # further prompts of the first frame, each for itself
    gap: int
    blind: int
    told: bool
    corrections: int

    def pin_memory(self) -> Batch:
        """The same where a GPU can fetch it while it computes; torch's loader asks for it by this name."""
        return replace(self, images=self.images.pin_memory(), masks=self.masks.pin_memory())

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        return replace(
            self,
            images=self.images.to(device, non_blocking=True),
            masks=self.masks.to(device, non_blocking=True),
            clip_of=self.clip_of.to(device),
            asked=self.asked.to(device),
            others=tuple(each.to(device) for each in self.others),
        )


def batch(recipe: Recipe, library: tuple[Sequence, ...], size: int, step: int, part: int = 0) -> Batch:
    """One part of step number `step`; the same one whenever it is asked for.

    size: of the pictures, where the step's stage does not say
    """
    stage = recipe.stage(step)
    size = stage.side or size
    chance = np.random.default_rng((recipe.seed, step, part))
    pictures = chance.random() < stage.pictures
    kind: Kind = "mask"
    if pictures or chance.random() < stage.prompts:
        kind = "click" if chance.random() < 1 - stage.boxes else "box"
    longer = int(np.random.default_rng((recipe.seed, step)).integers(stage.longer + 1))  # equal in parts: they wait
    blind, frames = (0, 1) if pictures else (stage.blind + longer, stage.frames + longer)
    several = stage.single or max(1, stage.clips * (stage.frames - stage.blind) // 2)
    count = several if pictures else stage.clips
    clips = [draw(library, recipe.data.mixture, frames, size, (recipe.seed, step, part, each)) for each in range(count)]
    masks = torch.cat([clip.masks for clip in clips])
    clip_of = torch.tensor([number for number, clip in enumerate(clips) for _ in clip.masks])
    gap = int(chance.integers(1, 150)) if chance.random() < stage.gap else 0
    asked = ask(chance, kind, masks[:, 0])
    # The image encoder costs most of a picture: both kinds are asked of what it saw.
    both = pictures and 0 < stage.boxes < 1
    others = (ask(chance, "box" if kind == "click" else "click", masks[:, 0]),) if both else ()
    corrections = int(kind != "mask" and chance.random() < (0.7 if pictures else 0.2))
    images = torch.stack([clip.images for clip in clips])
    return Batch(images, masks, clip_of, asked, others, gap, blind, stage.told, corrections)
