"""Pages as the model attends them: pooled, in cells of their own, and how much each token of them was attended."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from memories import exact

from vidmem import kernels
from vidmem.errors import UsageError
from vidmem.kernels import attend, reference
from vidmem.models import recall
from vidmem.models.options import Options
from vidmem.models.pages import placed, pooled, turned
from vidmem.models.position import axial_rotation, rotate
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import MICRO
from vidmem.values import Entry, Frame, Memory, Page, Pointer, Question

GRID = MICRO.grid
CELLS = GRID[0] * GRID[1]


@pytest.fixture(scope="module")
def model() -> Sam2:
    torch.manual_seed(0)
    made = Sam2(MICRO, Options(memory_dtype=torch.float32)).eval().requires_grad_(False)
    for layer in made.memory_attention.layers:  # random weights hardly tell keys apart; these do
        for name in ("cross_attn_image.k_proj.weight", "cross_attn_image.q_proj.weight"):
            layer.get_parameter(name).mul_(4)
    return made


@pytest.fixture(scope="module")
def features(model):
    chance = torch.Generator().manual_seed(0)
    return model.encode(Frame(7, torch.randint(0, 256, (3, 60, 100), dtype=torch.uint8, generator=chance)))


def entry(seed: int) -> Entry:
    chance = torch.Generator().manual_seed(seed)
    return Entry(
        seed, torch.randn(CELLS, MICRO.mem_dim, generator=chance), torch.randn(MICRO.d_model, generator=chance)
    )


def memory(count: int = 3, **options) -> Memory:
    entries = [entry(seed) for seed in range(count)]
    pages = tuple(Page(each, slot) for slot, each in enumerate(entries))
    return Memory(pages, tuple(Pointer(each, float(age + 1)) for age, each in enumerate(entries)), **options)


def with_pool(memory: Memory, *pools: int) -> Memory:
    return replace(memory, pages=tuple(replace(p, pool=n) for p, n in zip(memory.pages, pools, strict=True)))


def masks(model, features, memory: Memory) -> torch.Tensor:
    return model.decode(features, [Question(memory)])[0].masks


def test_pooling_equal_tokens_changes_nothing():
    """Where keys and values are equal within each square, attending the squares is attending the tokens."""
    chance = torch.Generator().manual_seed(0)

    def blocks(channels: int) -> torch.Tensor:
        coarse = torch.randn(2, 3 * CELLS // 4, channels, generator=chance).unflatten(1, (3, GRID[0] // 2, -1))
        fine = coarse.repeat_interleave(2, 2).repeat_interleave(2, 3).flatten(1, 3)
        return torch.cat((fine, torch.randn(2, 5, channels, generator=chance)), 1)  # pointers follow

    keys, values, q = blocks(16), blocks(12), torch.randn(2, 1, 50, 16, generator=chance) * 3
    pages = [placed(CELLS, GRID, pool) for pool in (2, 1, 2)]
    bias = torch.tensor([math.log(4)] * (CELLS // 4) + [0.0] * CELLS + [math.log(4)] * (CELLS // 4) + [0.0] * 5)
    few = attend(q, pooled(keys, GRID, pages)[:, None], pooled(values, GRID, pages)[:, None], bias.expand(2, -1))
    assert few.shape == (2, 1, 50, 12)
    assert (few - attend(q, keys[:, None], values[:, None])).abs().max() < 1e-5


@pytest.mark.parametrize("side", [2, 4])
def test_pooled_attention_is_that_of_efficienttam_in_plain_words(model, side):
    """Projected, rotated, averaged over squares of each page, softmax of the scores with log n on the means."""
    layer, chance = model.memory_attention.layers[0], torch.Generator().manual_seed(1)
    attention, width = layer.cross_attn_image, MICRO.d_model
    image = torch.randn(1, CELLS, width, generator=chance)
    memory, keys = torch.randn(2, 1, 3 * CELLS + 4, MICRO.mem_dim, generator=chance)
    own = axial_rotation(width, *GRID, image.device)

    def squares(tokens: torch.Tensor) -> torch.Tensor:
        """One page after the other, by a convolution's pooling; the four pointer tokens as they are."""
        each = [F.avg_pool2d(p.T.reshape(1, width, *GRID), side)[0].flatten(1).T for p in tokens[:-4].split(CELLS)]
        return torch.cat((*each, tokens[-4:]))

    q = rotate(attention.q_proj(image)[0], own)
    k = attention.k_proj(keys)[0]
    k = torch.cat((*(rotate(p, own) for p in k[:-4].split(CELLS)), k[-4:]))
    scores = q @ squares(k).T / math.sqrt(width)
    scores[:, :-4] += 2 * math.log(side)
    wanted = attention.out_proj(scores.softmax(1) @ squares(attention.v_proj(memory)[0]))

    pages = [placed(CELLS, GRID, side)] * 3
    bias = torch.tensor([2 * math.log(side)] * (3 * CELLS // side**2) + [0.0] * 4)[None]
    found = attention(image, keys, pooled(memory, GRID, pages), own, lambda k: turned(k, GRID, pages), bias)
    assert (found[0] - wanted).abs().max() < 1e-5
    whole = attention(image, keys, memory, own, lambda k: turned(k, GRID, [placed(CELLS, GRID)] * 3))
    assert (found - whole).abs().max() > 1e-3  # it does make a difference


def test_the_model_heeds_the_pool_of_each_page(model, features):
    plain = masks(model, features, memory())
    assert (plain - masks(model, features, with_pool(memory(), 2, 2, 2))).abs().max() > 1e-4
    one, other = (masks(model, features, with_pool(memory(), *pools)) for pools in ((2, 1, 1), (1, 2, 1)))
    assert (one - other).abs().max() > 1e-5
    # Questions of different pools in one call are answered as each alone.
    asked = [memory(), with_pool(memory(), 2, 2, 2), with_pool(memory(), 1, 2, 1)]
    for each, answer in zip(asked, model.decode(features, [Question(m) for m in asked]), strict=True):
        assert (answer.masks - masks(model, features, each)).abs().max() < 1e-5


def test_a_page_that_cannot_be_pooled_is_refused_in_words(model, features):
    with pytest.raises(UsageError, match=r"8 x 8 tokens cannot be pooled by 3 x 3.*divide by 48"):
        masks(model, features, with_pool(memory(), 3, 3, 3))
    picked = Page(replace(entry(0), cells=torch.arange(CELLS)), 0, pool=2)
    with pytest.raises(UsageError, match="cells of their own cannot be pooled"):
        masks(model, features, Memory((picked,)))


@pytest.mark.parametrize("dtype", [torch.int16, torch.int32, torch.long])
def test_a_page_whose_tokens_name_their_own_cells_is_an_ordinary_page(model, features, dtype):
    plain = memory()
    entries = [replace(p.entry, cells=torch.arange(CELLS, dtype=dtype)) for p in plain.pages]
    named = replace(plain, pages=tuple(Page(e, p.slot) for e, p in zip(entries, plain.pages, strict=True)))
    assert torch.equal(masks(model, features, named), masks(model, features, plain))
    mixed = replace(plain, pages=(plain.pages[0], named.pages[1], plain.pages[2]))
    assert torch.equal(masks(model, features, mixed), masks(model, features, plain))


def test_tokens_may_be_put_together_in_any_order_as_long_as_they_keep_their_cells(model, features):
    plain, order = memory(2), torch.randperm(2 * CELLS, generator=torch.Generator().manual_seed(0))
    tokens = torch.cat([p.entry.tokens for p in plain.pages if isinstance(p.entry.tokens, torch.Tensor)])[order]
    cells = (torch.arange(2 * CELLS) % CELLS)[order]
    pages = []
    for part in (slice(0, 30), slice(30, None)):
        pages.append(Page(Entry(0, tokens[part], torch.zeros(1), cells=cells[part]), 6))
    alike = replace(plain, pages=tuple(replace(p, slot=6) for p in plain.pages))
    wanted = masks(model, features, alike)
    assert (masks(model, features, replace(plain, pages=tuple(pages))) - wanted).abs().max() < 1e-5
    elsewhere = replace(pages[1], entry=replace(pages[1].entry, cells=pages[1].entry.cells.flip(0)))
    assert (masks(model, features, replace(plain, pages=(pages[0], elsewhere))) - wanted).abs().max() > 1e-4


def test_a_token_beyond_the_grid_is_refused_in_words(model, features):
    for shift, words in ((1, r"cells 1 to 64, .* 8 x 8 memory grid has 0 to 63"), (-2, "cells -2 to 61")):
        far = Page(replace(entry(0), cells=torch.arange(CELLS) + shift), 0)
        with pytest.raises(UsageError, match=words):
            masks(model, features, Memory((far,)))


@pytest.mark.parametrize("pools", [(1, 1, 1), (2, 2, 2), (1, 2, 1)])
def test_usage_is_the_mass_of_the_softmax_in_the_last_layer(model, features, pools, monkeypatch):
    """Against every weight of the attention in double precision, computed from what the last layer was given."""
    given = {}

    def catch(*arguments, pool, want_usage):
        given["last"], given["pool"] = arguments, pool
        return kernels.memory_attention(*arguments, pool=pool, want_usage=want_usage)

    monkeypatch.setattr(recall, "memory_attention", catch)
    (answer,) = model.decode(features, [Question(with_pool(memory(want_usage=True), *pools))])
    truth = reference.memory_attention(*exact(*given["last"]), pool=given["pool"], want_usage=True)
    assert truth.usage is not None
    wanted = truth.usage[0]
    assert answer.usage is not None and [len(each) for each in answer.usage] == [CELLS] * 3
    start = 0
    for usage, side in zip(answer.usage, pools, strict=True):
        squares = F.avg_pool2d(usage.view(1, *GRID), side)[0].flatten() * side**2
        part = wanted[start : start + len(squares)]
        assert (squares - part).abs().max() < 1e-5 and (squares / part - 1).abs().max() < 1e-3
        start += len(squares)
    assert 0 < sum(float(usage.sum()) for usage in answer.usage) < 1  # pointers have the rest


def test_what_tracking_recalls_is_what_training_sees(model, features):
    """The two ways through the same weights."""
    asked = memory(3)
    s16 = features.levels[2]
    pages = [page.entry.tokens[None] for page in asked.pages if isinstance(page.entry.tokens, torch.Tensor)]
    pointers = torch.stack([pointer.entry.object_pointer for pointer in asked.pointers])[None]
    ages = torch.tensor([[pointer.position / asked.pointer_span for pointer in asked.pointers]])
    wanted = model.condition(s16, pages, torch.tensor([[0, 1, 2]]), pointers, ages)
    (found,) = model.recall(s16, [asked])
    assert (found.image - wanted).abs().max() < 1e-5 * wanted.abs().max()


def test_memories_of_any_lengths_are_recalled_in_one_batch_as_each_alone(model, features):
    asked = [memory(1), memory(3), replace(memory(2), pointers=()), Memory((), memory(2).pointers)]
    together = model.recall(features.levels[2], asked)
    for each, found in zip(asked, together, strict=True):
        assert (found.image - model.recall(features.levels[2], [each])[0].image).abs().max() < 1e-5


def test_usage_is_told_to_those_who_want_it_and_changes_no_answer(model, features):
    asked = [Question(memory()), Question(memory(want_usage=True)), Question(), Question(memory(2, want_usage=True))]
    answers = model.decode(features, asked)
    assert [answer.usage is not None for answer in answers] == [False, True, False, True]
    assert torch.equal(masks(model, features, memory()), masks(model, features, memory(want_usage=True)))
    assert memory().identity != memory(want_usage=True).identity
