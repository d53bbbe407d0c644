"""What follows from weights alone: made once, and again when the weights change."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


def _version(weight: Tensor) -> int:
    return 0 if weight.is_inference() else weight._version


class Derived(Generic[T]):
    """Remembers one thing made from weights. While the weights are being trained it remembers nothing.

    It holds on to the weights it was made from: a freed address can then not be mistaken for them.
    """

    def __init__(self) -> None:
        self._made: tuple[Hashable, list[Tensor], list[int], T] | None = None

    def __call__(self, key: Hashable, weights: Sequence[Tensor], make: Callable[[], T]) -> T:
        """What `make` gives for these weights and `key` (sizes and whatever else it depends on)."""
        if torch.is_grad_enabled() and any(weight.requires_grad for weight in weights):
            return make()
        if self._made is not None:
            known_key, known, versions, made = self._made
            same = known_key == key and all(
                old.data_ptr() == new.data_ptr() and old.dtype == new.dtype and version == _version(new)
                for old, new, version in zip(known, weights, versions, strict=True)
            )
            if same:
                return made
        with torch.inference_mode(False), torch.no_grad():
            made = make()
        self._made = key, [weight.detach() for weight in weights], [_version(weight) for weight in weights], made
        return made

    def __reduce__(self) -> tuple[type[Derived[T]], tuple[()]]:
        """A copy of a model, also one in another process, makes its own: layouts of the processor cannot be copied."""
        return type(self), ()
