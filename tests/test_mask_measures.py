"""J and F of a pair of masks: exact, whatever the mask, the radius and the size of the frame."""

import numpy as np
import pytest
import slow_masks
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vidmem.metrics import metrics, radius
from vidmem.metrics.bits import pack
from vidmem.metrics.boundary import adaptive_boundary_accuracy, boundary_accuracy
from vidmem.metrics.compare import compare, compare_all
from vidmem.metrics.region import jaccard, smoothed_jaccard
from vidmem.metrics.statistics import decay, mean, recall


@st.composite
def masks(draw, count=2):
    """Frames whose width is often no multiple of eight, with boxes, specks, nothing or everything in them."""
    height, width = draw(st.integers(1, 11)), draw(st.integers(1, 19))
    kinds = st.one_of(
        arrays(bool, (height, width)),
        st.just(np.zeros((height, width), bool)),
        st.just(np.ones((height, width), bool)),
        st.tuples(*[st.integers(0, 19)] * 4).map(lambda corners: box((height, width), *corners)),
    )
    return [draw(kinds) for _ in range(count)]


def box(size, top, left, height, width):
    mask = np.zeros(size, bool)
    mask[top : top + height, left : left + width] = True
    return mask


@given(masks(3))
@settings(max_examples=200, deadline=None)
def test_j_is_that_of_the_definition(three):
    truth, answer, void = three
    assert jaccard(truth, answer) == slow_masks.j(truth, answer)
    assert jaccard(truth, answer, void) == slow_masks.j(truth, answer, void)


@given(masks(), st.sampled_from([1, 2, 3, 5, 0.4, 1.2, 1.84, 2.5, 3.3]))
@settings(max_examples=250, deadline=None)
def test_f_is_that_of_the_definition_for_any_radius_even_a_broken_one(two, pixels):
    truth, answer = two
    assert boundary_accuracy(truth, answer, radius=lambda size, area: pixels) == slow_masks.f(truth, answer, pixels)


@given(masks(3))
@settings(max_examples=100, deadline=None)
def test_f_takes_void_pixels_out_before_it_draws_boundaries(three):
    truth, answer, void = three
    assert boundary_accuracy(truth, answer, void) == slow_masks.f(truth, answer, None, void)


@given(masks(4))
@settings(max_examples=100, deadline=None)
def test_comparing_all_at_once_is_comparing_one_by_one(four):
    packed = [pack(each) for each in four]
    width = four[0].shape[1]
    table = compare_all(packed[:2], packed[2:], width)
    for row, answer in enumerate(packed[2:]):
        for column, truth in enumerate(packed[:2]):
            alone = compare(truth, answer, width)
            assert (table[row][column].j(), table[row][column].f()) == (alone.j(), alone.f())


@given(masks())
@settings(max_examples=100, deadline=None)
def test_truth_and_answer_may_change_places(two):
    truth, answer = two
    assert jaccard(truth, answer) == jaccard(answer, truth)
    assert boundary_accuracy(truth, answer) == boundary_accuracy(answer, truth)


@pytest.mark.parametrize("name", metrics)
def test_every_metric_gives_itself_full_marks_and_a_total_miss_next_to_none(name):
    truth, answer = box((100, 120), 2, 2, 6, 6), box((100, 120), 60, 80, 6, 6)
    assert metrics[name](truth, truth) == 1.0
    assert metrics[name](truth, answer) < 0.05
    assert metrics[name](np.zeros_like(truth), np.zeros_like(truth)) == 1.0


def test_a_prediction_that_runs_into_void_loses_nothing():
    truth, void = box((100, 100), 25, 25, 50, 50), box((100, 100), 10, 70, 80, 20)
    answer = truth | void
    assert jaccard(truth, answer, void) == 1.0 and boundary_accuracy(truth, answer, void) == 1.0


def test_the_smoothed_j_counts_one_pixel_more():
    truth, answer = box((10, 10), 0, 0, 2, 2), box((10, 10), 5, 5, 2, 2)
    assert smoothed_jaccard(truth, answer) == 1 / 9
    assert smoothed_jaccard(truth, truth) == 1.0


def test_radii_are_those_of_the_papers():
    assert radius.davis((480, 854)) == 8 and radius.davis((1080, 1920)) == 18
    assert radius.adaptive((480, 854), 20 * 20) == 2
    limit = 0.008 * np.hypot(480, 854)
    assert radius.adaptive((480, 854), 200 * 200) == pytest.approx(limit) and radius.mose(
        (480, 854), 200 * 200
    ) == radius.adaptive((480, 854), 200 * 200)
    assert radius.mose((480, 854), 20 * 20) == 8
    assert radius.adaptive((480, 854), 0) == pytest.approx(limit)


def test_the_adaptive_f_is_stricter_with_small_objects():
    truth, answer = box((480, 854), 100, 100, 10, 10), box((480, 854), 105, 105, 10, 10)
    assert boundary_accuracy(truth, answer) == 1.0 > adaptive_boundary_accuracy(truth, answer)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_decay_is_the_first_quarter_less_the_last_with_shared_edges(values):
    assert decay(np.array(values)) == pytest.approx(slow_masks.decay(values), abs=1e-12)
    assert decay(np.array(values), "uint8") == decay(np.array(values))


def test_decay_wraps_round_at_256_frames_only_when_asked_to():
    values = np.linspace(1, 0, 400)
    assert decay(values) == pytest.approx(slow_masks.decay(list(values)))
    cuts = [int(each) % 256 for each in np.round(np.linspace(1, 400, 5) + 1e-10) - 1]
    wrapped = values[cuts[0] : cuts[1] + 1].mean() - values[cuts[3] : cuts[4] + 1].mean()
    assert decay(values, "uint8") == pytest.approx(wrapped) != decay(values)


def test_mean_passes_over_what_is_no_number_and_recall_counts_it_as_missed():
    values = np.array([1.0, np.nan, 0.4, 0.5])
    assert mean(values) == pytest.approx(1.9 / 3) and recall(values) == 0.25
    assert np.isnan(mean(np.array([np.nan]))) and np.isnan(recall(np.zeros(0)))
