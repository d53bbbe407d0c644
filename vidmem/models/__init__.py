"""Models: what sees. A model remembers nothing; every verb is a function of its weights and arguments.

To add one: write vidmem/models/NAME.py and its line in the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vidmem.values import Candidates, Features, Frame, Guess, Question


@dataclass(frozen=True)
class ModelSpec:
    """The sizes a bank may need to know of a model."""

    name: str
    input_size: tuple[int, int]  # (H, W) the frame is resized to
    memory_grid: tuple[int, int]  # (h, w): tokens of one page, row by row
    token_width: int  # channels of a memory token
    temporal_slots: int = 7  # rows of the temporal code; the last belongs to prompts
    pointer_tokens: int = 4  # tokens one object pointer is cut into
    mask_size: tuple[int, int] = (256, 256)  # (h, w) of mask logits
    memory_dtype: str = "bfloat16"  # what tokens are stored as: the name of a torch dtype
    precision: str = "float32"  # of weights and features: the name of a torch dtype


class Model(Protocol):
    """Three verbs. A batch runs over (object, hypothesis); the image is looked at once for all of them."""

    @property
    def spec(self) -> ModelSpec: ...

    @property
    def device(self) -> torch.device:
        """Where its weights are, and so where states live."""
        ...

    def encode(self, frame: Frame) -> Features:
        """What there is to see in a frame, before anything is remembered."""
        ...

    def decode(self, features: Features, questions: Sequence[Question]) -> list[Candidates]:
        """The candidates for each question, in one batched call.

        Pages are attended as they say: unpacked, in the cells and squares they name. Where a memory wants usage, its
        candidates carry it.
        """
        ...

    def remember(self, features: Features, guesses: Sequence[Guess]) -> Tensor:
        """(B, N, C): the memory tokens of each guess, as they are to be stored."""
        ...


models: Catalog[Model] = Catalog(
    "model",
    "vidmem.models",
    {
        "sam2": "vidmem.models.sam2:load",  # SAM 2 and 2.1, tiny to large, and nano
        "toy": "vidmem.models.toy:Toy",  # follows a colour; for tests and the tutorial
    },
)
