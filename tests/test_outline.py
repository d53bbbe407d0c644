"""The mask decoder as it runs while tracking says what the trained one says."""

from __future__ import annotations

import pytest
import torch

from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import ARCHITECTURES


def asked(model: Sam2, batch: int) -> tuple[torch.Tensor, ...]:
    rows, columns = model.sizes.grid
    width = model.sizes.d_model
    torch.manual_seed(1)
    return (
        torch.randn(batch, width, rows, columns),
        model.sam_prompt_encoder.image_position(rows, columns),
        torch.randn(batch, 3, width),
        model.sam_prompt_encoder.mask(None, (rows, columns)),
        torch.randn(1, width // 4, 2 * rows, 2 * columns),
        torch.randn(1, width // 8, 4 * rows, 4 * columns),
    )


def same(model: Sam2, batch: int) -> bool:
    given = asked(model, batch)
    with torch.no_grad():
        pairs = zip(model._outline(*given), model.sam_mask_decoder(*given), strict=True)
        return all(torch.allclose(ours, theirs, atol=1e-4, rtol=1e-4) for ours, theirs in pairs)


@pytest.mark.parametrize("batch", [1, 3])
def test_it_says_what_the_trained_one_says(batch):
    torch.manual_seed(0)
    model = Sam2(ARCHITECTURES["micro"].at((64, 96))).eval().requires_grad_(False)
    assert same(model, batch)


def test_it_follows_its_weights():
    torch.manual_seed(0)
    model = Sam2(ARCHITECTURES["micro"].at((64, 64))).eval().requires_grad_(False)
    assert same(model, 1)
    model.get_parameter("sam_mask_decoder.transformer.layers.1.cross_attn_image_to_token.q_proj.weight").mul_(2)
    assert same(model, 1)
    linear = model.get_submodule("sam_mask_decoder.output_hypernetworks_mlps.2.layers.0")
    assert isinstance(linear, torch.nn.Linear)
    linear.weight = torch.nn.Parameter(torch.randn_like(linear.weight), requires_grad=False)
    assert same(model, 1)
    other = Sam2(ARCHITECTURES["micro"].at((64, 64))).eval()
    model.load_state_dict(other.state_dict())
    assert same(model, 1)


def test_places_are_told_apart_in_half_precision():
    model = Sam2(ARCHITECTURES["micro"])
    before = model.sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix.clone()
    model.to(torch.bfloat16)
    after = model.sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
    assert model.no_mem_embed.dtype == torch.bfloat16 and torch.equal(before, after)
