"""SceneTilling: depths by their definition, rules of choice, segments, and the stream beside the whole video."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidmem.cuts.depth import hill_depths, left_depths, likenesses, whole_depths
from vidmem.cuts.stream import StreamingTilling, Tiled
from vidmem.cuts.tilling import PAPER, REFERENCE, RULES, Tilling, segments, tile
from vidmem.errors import InputError, UsageError

LEVELS = st.lists(st.integers(0, 4).map(lambda level: level / 4), min_size=0, max_size=40).map(np.array)  # many ties
ANYTHING = st.lists(st.floats(-1, 1, width=32), min_size=0, max_size=40).map(np.array)


def climbed(s, i, step):
    """The definition, step by step: on while the next value is no smaller, stop at the first smaller one."""
    top = s[i]
    while 0 <= i + step < len(s) and s[i + step] >= top:
        i += step
        top = s[i]
    return top


@given(LEVELS | ANYTHING)
def test_hills_are_climbed_as_defined(s):
    left = np.array([climbed(s, i, -1) for i in range(len(s))])
    right = np.array([climbed(s, i, 1) for i in range(len(s))])
    np.testing.assert_allclose(hill_depths(s), left + right - 2 * s)
    np.testing.assert_allclose(left_depths(s), left - s)


@given(LEVELS | ANYTHING)
def test_whole_sides_take_the_highest_anywhere(s):
    wanted = [(max(s[: i + 1]) + max(s[i:]) - 2 * s[i]) / 2 for i in range(len(s))]
    np.testing.assert_allclose(whole_depths(s), wanted)


@given(LEVELS | ANYTHING)
def test_the_stream_measures_the_depths_of_the_whole_video(s):
    """Vectors of the plane whose neighbours have exactly these likenesses."""
    angles = np.concatenate([[0.0], np.cumsum(np.arccos(s.clip(-1, 1)))])
    features = np.stack([np.cos(angles), np.sin(angles)], 1)
    rule, state, seen = StreamingTilling(alpha=0, floor=-1e9, shortest=1), Tiled(), []
    for feature in features:
        state, _ = rule.step(state, feature)
        seen.append((state.likeness, state.hill - state.likeness))
    rounded, depths = np.array(seen[1:]).reshape(-1, 2).T  # ties as rounding left them
    np.testing.assert_allclose(rounded, s, atol=1e-6)
    s = rounded
    np.testing.assert_array_equal(depths, left_depths(s))
    if len(s) > 1:
        assert state.mean == pytest.approx(left_depths(s).mean(), abs=1e-9)
        spread = np.sqrt(max(0.0, state.squares) / (state.depths - 1))
        assert spread == pytest.approx(left_depths(s).std(ddof=1), abs=1e-6)


@given(LEVELS)
def test_ties_are_ties_for_the_stream_too(s):
    """Turns by whole quarters and none: likenesses of exactly 0 and 1."""
    turns = np.cumsum(np.concatenate([[0], s > 0.5])) % 4
    features = np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1]])[turns]
    rule, state, depths = StreamingTilling(shortest=1), Tiled(), []
    for feature in features:
        state, _ = rule.step(state, feature)
        depths.append(state.hill - state.likeness)
    np.testing.assert_array_equal(depths[1:], left_depths(likenesses(features)))


def test_the_state_of_the_stream_does_not_grow():
    rule, state, chance = StreamingTilling(), Tiled(), np.random.default_rng(0)
    sizes = set()
    for _ in range(500):
        state, _ = rule.step(state, chance.random(32))
        sizes.add(state.nbytes)
    assert len(sizes) == 1


def test_an_earlier_state_is_an_undo_point():
    rule, state = StreamingTilling(), Tiled()
    state, _ = rule.step(state, np.array([1.0, 0.0]))
    other, cut = rule.step(state, np.array([0.0, 1.0]))
    again, same = rule.step(state, np.array([0.0, 1.0]))
    assert (other.frames, cut) == (again.frames, same) and state.frames == 1


def three_scenes():
    """Frames of three directions, 12 of each, trembling a little."""
    chance = np.random.default_rng(3)
    return np.concatenate([np.eye(3)[k] + 0.02 * chance.random((12, 3)) for k in range(3)])


@pytest.mark.parametrize("name", RULES)
def test_every_rule_finds_two_plain_cuts_among_its_own(name):
    cuts = [cut.frame for cut in RULES[name].cuts(likenesses(three_scenes()))]
    assert {11, 23} <= set(cuts)
    if name == "vidmem":
        assert cuts == [11, 23]


def test_the_stream_finds_the_same_cuts_at_once():
    rule, state, found = StreamingTilling(), Tiled(), []
    for index, feature in enumerate(three_scenes()):
        state, cut = rule.step(state, feature)
        if cut:
            assert cut.frame == index - 1
            found.append(cut.frame)
    assert found == [11, 23]


def test_a_threshold_is_strict_and_its_spread_is_of_n_minus_one():
    s = np.array([1.0, 0.5, 1.0, 1.0])
    depth = hill_depths(s)
    assert depth.tolist() == [0, 1, 0, 0]
    assert Tilling(floor=-1, shortest=1).threshold(depth) == pytest.approx(0.25 + 0.5 * 0.5)
    assert Tilling(alpha=1.5, floor=-1, shortest=1).threshold(depth) == 1.0
    assert Tilling(alpha=1.5, floor=-1, shortest=1).cuts(s) == []  # exactly at the threshold is not above it


def test_the_reference_takes_fifteen_of_the_deepest_when_more_pass():
    s = np.ones(200)
    s[5::8] = np.linspace(0.9, 0.1, len(s[5::8]))
    cuts = [cut.frame for cut in REFERENCE.cuts(s)]
    assert len(cuts) == 15 and cuts == sorted(cuts)
    assert cuts == sorted(range(5, 200, 8))[-15:]
    assert len(PAPER.cuts(s)) > 15


@pytest.mark.parametrize("frames", [1, 2])
def test_one_or_two_frames_are_one_segment(frames):
    for rule in RULES.values():
        assert tile(np.random.default_rng(0).random((frames, 4)), rule) == [(0, frames - 1)]


def test_by_count_the_deepest_are_taken_and_equals_in_order():
    s = np.array([1, 0, 1, 0, 1, 0.5, 1])
    assert [cut.frame for cut in Tilling(count=2).cuts(s)] == [1, 3]
    assert [cut.frame for cut in Tilling(count=1).cuts(s)] == [1]
    assert Tilling(count=0).cuts(s) == []
    assert [cut.frame for cut in Tilling(count=3).cuts(s)] == [1, 3, 5]


def test_segments_hold_every_frame_once():
    assert segments([2, 5], 9) == [(0, 2), (3, 5), (6, 8)]
    assert segments([2, 8], 9) == [(0, 2), (3, 8)]
    assert segments([], 1) == [(0, 0)]


def test_a_video_that_only_moves_has_no_cut():
    angles = np.cumsum(np.random.default_rng(1).uniform(0, 0.15, 300))
    assert tile(np.stack([np.cos(angles), np.sin(angles)], 1)) == [(0, 299)]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: likenesses(np.zeros((0, 4))), "a frame or more"),
        (lambda: likenesses(np.zeros(4)), r"\(T, C\)"),
        (lambda: likenesses(np.array([[0.0, 1], [np.nan, 1]])), "frame 1 are not finite"),
        (lambda: StreamingTilling().step(Tiled(), np.array([np.inf])), "not finite"),
        (lambda: StreamingTilling().step(Tiled(3, np.ones(4)), np.ones(5)), r"frame 3 is \(5,\), not \(4,\)"),
        (lambda: segments([5, 2], 9), "do not rise"),
        (lambda: segments([9], 9), "do not rise"),
        (lambda: Tilling().cuts(np.array([np.nan])), "finite"),
    ],
)
def test_what_is_no_input_is_said(call, says):
    with pytest.raises(InputError, match=says):
        call()


@pytest.mark.parametrize("wrong", [{"depth": "hil"}, {"shortest": 0}, {"count": -1}, {"most": 0}, {"alpha": np.nan}])
def test_a_rule_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(UsageError):
        Tilling(**wrong)
