"""What follows from weights alone: made once, and again when the weights change."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")


def _version(weight: Tensor) -> int:
    return 0 if weight.is_inference() else weight._version


class Weights:
    """The parameters of a module, whichever tensors they are by now. Walks through the module once: that takes longer
    than to look them up, and is wanted every frame."""

    def __init__(self, module: nn.Module):
        self._module = module
        self._places: list[tuple[dict[str, nn.Parameter | None], str]] = []

    def __call__(self) -> list[Tensor]:
        if not self._places:
            own = [each._parameters for each in self._module.modules()]
            self._places = [(each, name) for each in own for name, weight in each.items() if weight is not None]
        return [weight for each, name in self._places if (weight := each[name]) is not None]

    def __reduce__(self) -> tuple[type[Weights], tuple[nn.Module]]:
        """A copy of a model looks at its own."""
        return type(self), (self._module,)


class Derived(Generic[T]):
    """Remembers one thing made from weights. While the weights are being trained it remembers nothing.

    It holds on to the weights it was made from: a freed address can then not be mistaken for them.
    """

    def __init__(self) -> None:
        self._made: tuple[Hashable, list[tuple[int, int]], list[Tensor], T] | None = None

    def __call__(self, key: Hashable, weights: Sequence[Tensor], make: Callable[[], T]) -> T:
        """What `make` gives for these weights and `key` (sizes and whatever else it depends on)."""
        if torch.is_grad_enabled() and any(weight.requires_grad for weight in weights):
            return make()
        if self._made is not None:
            known_key, known, _, made = self._made
            # Held on to, no other tensor of any dtype can lie at the same address.
            if known_key == key and known == [(weight.data_ptr(), _version(weight)) for weight in weights]:
                return made
        with torch.inference_mode(False), torch.no_grad():
            made = make()
        seen = [(weight.data_ptr(), _version(weight)) for weight in weights]
        self._made = key, seen, [weight.detach() for weight in weights], made
        return made

    def __reduce__(self) -> tuple[type[Derived[T]], tuple[()]]:
        """A copy of a model, also one in another process, makes its own: layouts of the processor cannot be copied."""
        return type(self), ()
