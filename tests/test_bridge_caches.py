"""What every cache policy promises, and what each of them chooses."""

import itertools

import pytest
import torch

from vidmem.bridges import policies
from vidmem.bridges.bridge import BridgeSizes, RecurrentBridge
from vidmem.bridges.entry import Cache, Kept
from vidmem.bridges.everything import Everything
from vidmem.bridges.fifo import Fifo
from vidmem.bridges.merge import Merge
from vidmem.bridges.surprise import Surprise, surprises
from vidmem.errors import UnknownName, UsageError
from vidmem.states import nbytes

SIZES = BridgeSizes(width=8, heads=2, hidden=8, memory_tokens=2, language_width=6)
BOUNDED = [name for name in policies if name != "everything"]


def entry(number, *angles):
    """A segment remembered by tokens of these angles in the plane."""
    tokens = torch.stack([torch.tensor([torch.tensor(a).cos(), torch.tensor(a).sin()]) for a in angles])[None]
    return Kept(tokens, tokens + number, number, number)


def filled(policy, entries) -> Cache:
    cache: Cache = ()
    for each in entries:
        cache = policy.add(cache, each)
    return cache


@pytest.fixture(params=list(policies))
def name(request):
    return request.param


def test_a_policy_keeps_time_in_order_and_the_newest_last(name):
    cache = filled(policies[name](), [entry(n, 0.7 * n) for n in range(40)])
    assert [each.first for each in cache] == sorted(each.first for each in cache)
    assert all(a.last < b.first for a, b in itertools.pairwise(cache))
    assert cache[-1].last == 39


def test_adding_leaves_the_old_cache_as_it_was(name):
    policy = policies[name]()
    cache = filled(policy, [entry(n, 0.3 * n) for n in range(16)])
    before = [each.tokens.clone() for each in cache]
    policy.add(cache, entry(16, 1.0))
    assert len(cache) == 16 and all(torch.equal(a, b.tokens) for a, b in zip(before, cache, strict=True))


@pytest.mark.parametrize("name", BOUNDED)
def test_until_it_is_full_a_bounded_cache_is_the_references(name):
    torch.manual_seed(0)
    bridge, other = RecurrentBridge(SIZES).eval(), RecurrentBridge(SIZES, policies[name](keep=5)).eval()
    other.load_state_dict(bridge.state_dict())
    state, twin, same = bridge.start(), other.start(), []
    with torch.no_grad():
        for _ in range(8):
            segment = torch.randn(4, 8)
            (state, one), (twin, two) = bridge.step(state, segment), other.step(twin, segment)
            same.append(torch.allclose(one.retrieved, two.retrieved, atol=1e-6))
    assert all(same[:6]) and not same[7]  # the sixth still retrieves from five and itself


@pytest.mark.parametrize("name", BOUNDED)
def test_a_bounded_cache_stops_growing_and_the_references_does_not(name):
    torch.manual_seed(0)
    sizes = {}
    for policy in (Everything(), policies[name](keep=4)):
        bridge, grown = RecurrentBridge(SIZES, policy).eval(), []
        state = bridge.start()
        with torch.inference_mode():
            for _ in range(30):
                state, _ = bridge.step(state, torch.randn(4, 8))
                grown.append(nbytes(state))
        sizes[policy] = grown
    everything, bounded = sizes.values()
    assert len(set(bounded[4:])) == 1
    assert len({b - a for a, b in itertools.pairwise(everything)}) == 1 and everything[-1] > bounded[-1]


def test_fifo_keeps_the_latest():
    assert [each.first for each in filled(Fifo(3), [entry(n, 0.0) for n in range(9)])] == [6, 7, 8]
    assert Fifo(1).add((), entry(0, 1.0))[0].first == 0


def test_merge_joins_the_neighbours_most_alike():
    cache = filled(Merge(3), [entry(0, 0.0), entry(1, 1.5), entry(2, 1.6), entry(3, 3.0)])
    assert [(each.first, each.last, each.count) for each in cache] == [(0, 0, 1), (1, 2, 2), (3, 3, 1)]
    torch.testing.assert_close(cache[1].tokens, (entry(1, 1.5).tokens + entry(2, 1.6).tokens) / 2)
    torch.testing.assert_close(cache[1].retrieved, cache[1].tokens + 1.5)


def test_merge_weighs_by_how_many_an_entry_stands_for():
    cache = filled(Merge(1), [entry(0, 0.0), entry(1, 0.0), entry(2, 0.0), entry(3, 1.0)])
    wanted = 0.75 * entry(0, 0.0).tokens + 0.25 * entry(3, 1.0).tokens
    torch.testing.assert_close(cache[0].tokens, wanted)
    assert (cache[0].count, cache[0].first, cache[0].last) == (4, 0, 3)
    plain = filled(Merge(1, weighted=False), [entry(0, 0.0), entry(1, 0.0), entry(2, 0.0), entry(3, 1.0)])
    torch.testing.assert_close(plain[0].tokens, 0.5 * entry(0, 0.0).tokens + 0.5 * entry(3, 1.0).tokens)


def test_surprise_keeps_what_is_unlike_the_rest_for_any_time():
    cache = filled(Surprise(4), [entry(0, 2.0), *(entry(n, 0.001 * n) for n in range(1, 200))])
    assert cache[0].first == 0 and cache[-1].first == 199 and len(cache) == 4


def test_surprise_is_one_minus_the_greatest_likeness():
    held = filled(Everything(), [entry(0, 0.0, 0.0), entry(1, 1.0, 0.0), entry(2, 3.0, 3.0)])
    alike = [(1 + torch.cos(torch.tensor(1.0)).item()) / 2]
    assert surprises(held)[:2] == pytest.approx([1 - alike[0]] * 2, abs=1e-6)
    assert surprises(held[:1]) == [2.0]


@pytest.mark.parametrize("name", ["merge", "surprise"])
def test_what_decides_by_sight_takes_one_video_and_equal_entries(name):
    both = Kept(torch.zeros(2, 1, 2), torch.zeros(2, 1, 2), 0, 0)
    with pytest.raises(UsageError, match=f"{name}.*one video at a time, not 2"):
        policies[name]().add((), both)
    with pytest.raises(UsageError, match=r"have \[1, 2\] tokens"):
        filled(policies[name](), [entry(0, 1.0), entry(1, 1.0, 2.0)])


@pytest.mark.parametrize("name", BOUNDED)
def test_a_bound_that_is_none_is_refused(name):
    with pytest.raises(UsageError, match="cannot work"):
        policies[name](keep=0)


def test_an_unknown_policy_lists_the_known_ones():
    with pytest.raises(UnknownName, match="Did you mean 'merge'"):
        _ = policies["merg"]
