"""How fast is learned, and how weights are averaged."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from vidmem.errors import UsageError
from vidmem.training.recipe import Optimiser


def rate(optimiser: Optimiser, step: int, progress: float) -> float:
    """The learning rate: a warm-up in steps, then half a cosine over `progress`, the share 0..1 of the whole run."""
    warm = min(1.0, (step + 1) / max(1, optimiser.warm_up))
    fall = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return optimiser.rate * warm * (optimiser.last + (1 - optimiser.last) * fall)


def optimise(model: nn.Module, settings: Optimiser) -> torch.optim.AdamW:
    """AdamW over the weights of a model that learn; only matrices and kernels are decayed."""
    learned = {name: each for name, each in model.named_parameters() if each.requires_grad}
    heavy = [each for name, each in learned.items() if each.ndim > 1 and name.endswith("weight")]
    known = {id(each) for each in heavy}
    light = [each for each in learned.values() if id(each) not in known]
    groups = [{"params": heavy, "weight_decay": settings.decay}, {"params": light, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.rate, betas=settings.betas, foreach=True)


def choose(model: nn.Module, parts: tuple[str, ...]) -> None:
    """Let only some parts of a model learn; all of it without any. Raises UsageError for one it does not have."""
    if not parts:
        return
    model.requires_grad_(False)
    for part in parts:
        try:
            model.get_submodule(part).requires_grad_(True)
        except AttributeError:
            known = ", ".join(name for name, _ in model.named_children())
            raise UsageError(
                f"The recipe lets {part!r} learn, which no part of the model is called. Known: {known}."
            ) from None


@torch.no_grad()
def average(mean: Iterable[Tensor], now: Iterable[Tensor], step: int, decay: float) -> None:
    """Move a running mean of the weights towards those of this step; faster in the first steps."""
    decay = min(decay, (1 + step) / (10 + step))
    # All at once: one by one they would keep a GPU waiting.
    torch._foreach_lerp_(list(mean), list(now), 1 - decay)  # pyright: ignore[reportPrivateImportUsage]
