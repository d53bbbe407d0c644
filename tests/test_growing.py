"""A deeper model begins with the answers of a shallower one, and training can begin with any smaller weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from seeded import first_disc, seeded
from torch import Tensor

from vidmem.errors import ModelError, UnknownName
from vidmem.models import checkpoints
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import ARCHITECTURES
from vidmem.training.growing import grown
from vidmem.training.initialise import initialise, load, sizes_of

OLD = ARCHITECTURES["micro"]
DEEPER = replace(OLD, name="micro-deep", stages=(1, 3, 5, 1), global_att_blocks=(5, 8), memory_layers=3)
LARGER = replace(DEEPER, name="micro-large", d_model=2 * OLD.d_model, mem_dim=2 * OLD.mem_dim)
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def old() -> Sam2:
    return seeded(1, OLD)


def masks_of(model: Sam2) -> Tensor:
    """After looking at a page of its own memory."""
    pixels = torch.randn(1, 3, *OLD.image_size, generator=torch.Generator().manual_seed(1))
    s4, s8, s16 = model.encode_image(pixels)
    page = model.encode_memory(s16, first_disc()[None, None].float(), torch.tensor([True]))
    return model.decode_masks(model.condition(s16, [page], torch.tensor([[6]])), s8, s4).masks


@torch.no_grad()
def test_blocks_that_are_added_change_no_answer(old: Sam2):
    torch.manual_seed(0)
    new = Sam2(DEEPER)
    initialise(new)
    fresh = masks_of(new)
    weights = grown(old.state_dict(), old.sizes, DEEPER, new.state_dict())
    assert set(weights) == set(new.state_dict())
    new.load_state_dict(weights)
    torch.testing.assert_close(masks_of(new), masks_of(old), rtol=1e-5, atol=1e-5)
    assert (fresh - masks_of(old)).abs().max() > 0.1


@torch.no_grad()
def test_training_begins_with_the_weights_of_a_smaller_model(old: Sam2, tmp_path: Path):
    checkpoints.save(old, tmp_path / "old.safetensors")
    torch.manual_seed(0)
    large = Sam2(LARGER)
    load(large, str(tmp_path / "old.safetensors"))
    # Not exactly: the sine map that is added before memory attention has other frequencies in a wider model.
    torch.testing.assert_close(masks_of(large), masks_of(old), rtol=0, atol=0.05 * float(masks_of(old).std()))


def test_sizes_are_named_by_an_architecture_or_by_weights(old: Sam2, tmp_path: Path):
    checkpoints.save(old, tmp_path / "old.safetensors")
    assert sizes_of("micro") == OLD and sizes_of(str(tmp_path / "old.safetensors")) == old.sizes
    assert sizes_of("nano-c62edf5a").image_size == (256, 256)  # of the files that ship
    with pytest.raises(UnknownName, match="nano-bc33034d"):
        sizes_of("nano-none")


def test_what_no_growing_reaches_is_refused(old: Sam2, tmp_path: Path):
    checkpoints.save(old, tmp_path / "old.safetensors")
    with pytest.raises(ModelError, match="cannot begin"):
        load(Sam2(replace(OLD, d_model=3 * OLD.d_model, mem_dim=3 * OLD.mem_dim)), str(tmp_path / "old.safetensors"))
