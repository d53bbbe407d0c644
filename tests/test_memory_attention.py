"""The bodies of memory attention that run here say what the truth says, whatever the memory is like."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from memories import error, exact, memory_of

from vidmem.kernels import blocked, memory_attention, reference
from vidmem.kernels.tokens import Tokens, in_halves, keys_and_values, turn
from vidmem.models.position import axial_rotation, rotate

BARS = {torch.float32: 1e-5, torch.bfloat16: 1e-2}
CASES = {
    "one memory": dict(pages=[1], pointers=[0]),
    "no pointers": dict(pages=[3], pointers=[0]),
    "pointers alone": dict(pages=[0], pointers=[5]),
    "forty memories": dict(pages=[40], pointers=[16]),
    "ragged": dict(pages=[1, 7, 3], pointers=[16, 0, 2]),
    "ragged, one image": dict(pages=[1, 7, 3], pointers=[16, 0, 2], shared=True),
    "biased": dict(pages=[2, 3], pointers=[1, 2], biased=True),
    "scaled": dict(pages=[2, 3], pointers=[1, 2], scaled=True),
    "8 bits": dict(pages=[2, 3], pointers=[1, 2], eight=True),
    "8 bits, scaled and biased": dict(pages=[2], pointers=[1], eight=True, scaled=True, biased=True),
    "sharp": dict(pages=[4], pointers=[4], sharp=4.0),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", BARS)
def test_the_blocked_body_says_what_the_truth_says(case, dtype):
    asked = memory_of(**CASES[case], dtype=dtype)
    truth = reference.memory_attention(*exact(*asked), want_lse=True)
    found = blocked.memory_attention(*asked, want_lse=True)
    bar = BARS[dtype] * (4 if case == "sharp" and dtype == torch.bfloat16 else 1)  # scores are rounded
    assert found.values.dtype == dtype and error(found.values, truth.values) < bar
    assert found.lse is not None and truth.lse is not None
    for ours, theirs in zip(found.lse, truth.lse, strict=True):
        assert ours.shape == theirs.shape and (ours - theirs).abs().max() < 20 * bar
    alone = blocked.memory_attention(*asked)
    assert alone.lse is None and error(alone.values, truth.values) < bar


@settings(max_examples=25, deadline=None)
@given(
    items=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6)).filter(any), min_size=1, max_size=4),
    queries=st.integers(1, 70),
    extras=st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
)
def test_any_memory_is_attended_as_by_the_truth(items, queries, extras):
    biased, scaled, eight, shared = extras
    asked = memory_of(
        [a for a, _ in items], [b for _, b in items],
        queries=queries, biased=biased, scaled=scaled, eight=eight, shared=shared,
    )  # fmt: skip
    truth = reference.memory_attention(*exact(*asked)).values
    assert error(memory_attention(*asked).values, truth) < 1e-5


def test_projecting_afterwards_is_projecting_before():
    """The folded value: attention in the tokens' own channels, then one projection."""
    q, tokens, places, projection = exact(*memory_of([2], [3]))
    torch.manual_seed(0)
    weight, bias = torch.randn(64, 16).double(), torch.randn(64).double()
    folded = memory_attention(q, tokens, places, projection).values @ weight.T + bias
    keys, _ = keys_and_values(tokens, places, projection, torch.float64)
    plain = (q[0] @ keys.T / 8).softmax(-1) @ (tokens.values @ weight.T + bias)
    assert (folded[0] - plain).abs().max() < 1e-12


def test_the_log_sum_exp_tells_how_much_each_entry_was_attended():
    q, tokens, places, projection = memory_of([2], [2])
    lse = memory_attention(q, tokens, places, projection, want_lse=True).lse
    assert lse is not None
    shares = lse[0].softmax(1).mean(0)
    _, weights = q, reference.memory_attention(*exact(q, tokens, places, projection), want_lse=True).lse
    assert weights is not None and torch.allclose(shares.double(), weights[0].softmax(1).mean(0), atol=1e-6)
    assert shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("biased", [False, True])
def test_usage_is_the_mass_of_the_softmax_of_each_key(biased):
    asked = memory_of([2, 1], [2, 0], biased=biased)
    found = memory_attention(*asked, want_usage=True).usage
    truth = reference.memory_attention(*exact(*asked), want_usage=True).usage
    assert found is not None and truth is not None and [len(each) for each in found] == [104, 48]
    for ours, theirs in zip(found, truth, strict=True):
        assert (ours - theirs).abs().max() < 1e-6 and ours.sum() == pytest.approx(1)


def test_halves_and_neighbours_have_the_same_scores():
    """Published weights turn neighbouring channels; with their rows in halves, halves turn."""
    torch.manual_seed(0)
    weights, x = torch.randn(2, 64, 16), torch.randn(48, 16)
    cosine, sine = axial_rotation(64, 6, 8, torch.device("cpu"))
    q, k = (rotate(x @ weight.T, (cosine, sine)) for weight in weights)
    q2, k2 = (turn(x @ in_halves(weight).T, cosine, sine) for weight in weights)
    assert torch.allclose(q @ k.T, q2 @ k2.T, rtol=1e-4, atol=1e-3)


def test_tokens_may_be_attended_in_squares():
    q, tokens, places, projection = memory_of([2], [0], grid=(4, 6))

    def pool(x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(0, (2, 2, 2, 3, 2)).mean((2, 4)).flatten(0, 2)

    tokens = replace(tokens, keys=((6, 6),))
    truth = reference.memory_attention(*exact(q, tokens, places, projection), pool=pool, want_lse=True)
    found = memory_attention(q, tokens, places, projection, pool=pool, want_lse=True)
    assert error(found.values, truth.values) < 1e-5 and found.lse is not None and found.lse[0].shape == (40, 2)


def test_gradients_pass_through_the_door():
    q, tokens, places, projection = exact(*memory_of([1], [1], queries=3, grid=(2, 2), width=8, narrow=4))
    q.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: memory_attention(x, tokens, places, projection).values, q)


def test_what_does_not_fit_is_told():
    q, tokens, places, projection = memory_of([2], [3])
    with pytest.raises(ValueError, match="queries are"):
        memory_attention(q[..., :32], tokens, places, projection)
    with pytest.raises(ValueError, match="must agree"):
        replace(tokens, cell=tokens.cell[1:])
    with pytest.raises(ValueError, match="no token to attend"):
        Tokens(tokens.values[:0], ((),), tokens.cell[:0], tokens.code[:0])
    with pytest.raises(ValueError, match="8 bits"):
        replace(tokens, values=torch.zeros(len(tokens.values), 16, dtype=torch.uint8))
