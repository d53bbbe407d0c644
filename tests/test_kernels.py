"""The fast bodies of a kernel say what the slow one says."""

from __future__ import annotations

import pytest
import torch

from vidmem.kernels import attend, reference, usage
from vidmem.kernels.reference import attend as truth

SHAPES = [
    (1, 1, 64, 100, 32, 32),
    (3, 1, 33, 77, 64, 64),  # ragged
    (2, 8, 9, 40, 16, 16),  # heads
    (1, 1, 50, 70, 64, 16),  # narrow values
    (2, 1, 1, 1, 8, 8),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("biased", [False, True])
def test_attention_is_the_softmax_of_the_scores(shape, biased):
    batch, heads, queries, keys, width, width_out = shape
    torch.manual_seed(0)
    q, k = torch.randn(batch, heads, queries, width) * 3, torch.randn(batch, heads, keys, width)
    v, bias = torch.randn(batch, heads, keys, width_out), torch.randn(batch, keys) if biased else None
    exact = truth(q.double(), k.double(), v.double(), None if bias is None else bias.double())
    assert (attend(q, k, v, bias) - exact).abs().max() < 1e-5
    assert (truth(q, k, v, bias) - exact).abs().max() < 1e-5


@pytest.mark.parametrize("shape", [*SHAPES, (2, 2, 600, 50, 16, 16)])  # more queries than are worked on at once
@pytest.mark.parametrize("biased", [False, True])
def test_usage_is_the_mean_mass_of_the_softmax(shape, biased):
    batch, heads, queries, keys, width, _ = shape
    torch.manual_seed(0)
    q, k = torch.randn(batch, heads, queries, width) * 3, torch.randn(batch, heads, keys, width)
    bias = torch.randn(batch, keys) if biased else None
    found = usage(q, k, bias)
    exact = reference.usage(q.double(), k.double(), None if bias is None else bias.double())
    assert found.shape == (batch, keys) and (found - exact).abs().max() < 1e-6
    assert torch.allclose(found.sum(1), torch.ones(batch), atol=1e-5)


def test_one_image_is_looked_with_for_a_whole_batch_of_memories():
    q, k = torch.randn(1, 1, 300, 8), torch.randn(3, 1, 20, 8)
    assert torch.allclose(usage(q, k), reference.usage(q, k), atol=1e-6)


def test_a_bias_of_log_n_counts_a_key_n_times():
    torch.manual_seed(0)
    q, k, v = torch.randn(1, 1, 5, 8), torch.randn(1, 1, 3, 8), torch.randn(1, 1, 3, 8)
    bias = torch.tensor([[0.0, 4.0, 1.0]]).clamp(min=1).log()
    repeated = [tensor[:, :, [0, 1, 1, 1, 1, 2]] for tensor in (k, v)]
    assert torch.allclose(attend(q, k, v, bias), attend(q, *repeated), atol=1e-6)


def test_gradients_pass():
    tensors = [torch.randn(1, 1, 4, 8, dtype=torch.double, requires_grad=True) for _ in range(3)]
    bias = torch.randn(1, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda q, k, v, b: attend(q, k, v, b), (*tensors, bias))
