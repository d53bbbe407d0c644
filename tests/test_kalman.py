"""Four filters of two numbers are the published filter of eight, and do what it is known to do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidmem.choices.boxes import EMPTY, overlap
from vidmem.choices.kalman import Kalman, Moving

HEIGHT = 3  # its place in the mean


class Matrices:
    """The filter as DeepSORT writes it (arXiv 1703.07402, 2.1), in the matrices of a textbook. Slow, and the truth."""

    def __init__(self, box):
        self.mean = np.concatenate((self.measured(box), np.zeros(4)))
        height = self.mean[HEIGHT]
        deviations = [height / 10, height / 10, 1e-2, height / 10, height / 16, height / 16, 1e-5, height / 16]
        self.covariance = np.diag(np.square(deviations))

    def measured(self, box):
        x0, y0, x1, y1 = box
        height = y1 - y0 if y1 != y0 else 1
        return np.array([(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / height, height])

    def predict(self):
        height = self.mean[HEIGHT]
        steps = np.block([[np.eye(4), np.eye(4)], [np.zeros((4, 4)), np.eye(4)]])
        deviations = [height / 20, height / 20, 1e-2, height / 20, height / 160, height / 160, 1e-5, height / 160]
        self.mean = steps @ self.mean
        self.covariance = steps @ self.covariance @ steps.T + np.diag(np.square(deviations))

    def update(self, box):
        height, looks = self.mean[HEIGHT], np.eye(4, 8)
        noise = np.diag(np.square([height / 20, height / 20, 1e-1, height / 20]))
        spread = looks @ self.covariance @ looks.T + noise
        gain = np.linalg.solve(spread, looks @ self.covariance).T
        self.mean = self.mean + gain @ (self.measured(box) - looks @ self.mean)
        self.covariance = self.covariance - gain @ spread @ gain.T


def as_matrices(moving: Moving) -> tuple[np.ndarray, np.ndarray]:
    parts = (moving.x, moving.y, moving.aspect, moving.height)
    covariance = np.zeros((8, 8))
    for place, part in enumerate(parts):
        covariance[place, place], covariance[place + 4, place + 4] = part.value_variance, part.velocity_variance
        covariance[place, place + 4] = covariance[place + 4, place] = part.covariance
    return np.array([each.value for each in parts] + [each.velocity for each in parts]), covariance


def assert_same(moving: Moving, matrices: Matrices) -> None:
    mean, covariance = as_matrices(moving)
    np.testing.assert_allclose(mean, matrices.mean, rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(covariance, matrices.covariance, rtol=1e-9, atol=1e-9)


@st.composite
def any_box(draw):
    """Boxes as masks have them: whole numbers, also of one line or none."""
    if draw(st.integers(0, 9)) == 0:
        return EMPTY
    x0, y0 = draw(st.integers(0, 1000)), draw(st.integers(0, 1000))
    x1, y1 = draw(st.integers(x0, 1023)), draw(st.integers(y0, 1023))
    return float(x0), float(y0), float(x1), float(y1)


@settings(max_examples=500, deadline=None)
@given(any_box(), st.lists(st.none() | any_box(), max_size=15))
def test_the_filter_is_the_one_of_eight_numbers(first, later):
    kalman = Kalman()
    moving, matrices = kalman.start(first), Matrices(first)
    assert_same(moving, matrices)
    for box in later:  # None: expected, but not seen
        moving = kalman.predict(moving)
        matrices.predict()
        assert_same(moving, matrices)
        if box is not None:
            moving = kalman.update(moving, box)
            matrices.update(box)
            assert_same(moving, matrices)


def follow(kalman: Kalman, boxes) -> Moving:
    moving = kalman.start(boxes[0])
    for box in boxes[1:]:
        moving = kalman.update(kalman.predict(moving), box)
    return moving


def test_one_step_is_what_a_pencil_makes_of_it():
    """A box 100 high and 50 wide at (25, 50), seen next 10 pixels to the right."""
    kalman = Kalman()
    moving = kalman.start((0.0, 0.0, 50.0, 100.0))
    assert (moving.x.value, moving.x.value_variance, moving.x.velocity_variance) == (25.0, 100.0, 39.0625)
    moving = kalman.predict(moving)
    # 100 + 39.0625 + 25; 39.0625; 39.0625 + 0.390625
    assert (moving.x.value_variance, moving.x.covariance) == (164.0625, 39.0625)
    assert moving.x.velocity_variance == pytest.approx(39.453125)
    moving = kalman.update(moving, (10.0, 0.0, 60.0, 100.0))
    assert moving.x.value == pytest.approx(25 + 10 * 164.0625 / 189.0625)
    assert moving.x.velocity == pytest.approx(10 * 39.0625 / 189.0625)
    assert moving.x.value_variance == pytest.approx(164.0625 - 164.0625**2 / 189.0625)


def test_a_box_that_moves_steadily_is_met_where_it_comes():
    moving = follow(Kalman(), [(10.0 * t, 5.0 * t, 10.0 * t + 80, 5.0 * t + 60) for t in range(20)])
    assert overlap(Kalman().predict(moving).box, (200.0, 100.0, 280.0, 160.0)) > 0.95


def test_one_empty_box_drags_a_settled_box_out_of_the_picture():
    """Why an empty mask is not followed: a 100 x 150 box, long at (450, 375), leaves by the corner and turns over."""
    moving = follow(Kalman(), [(400.0, 300.0, 500.0, 450.0)] * 60)
    moving = Kalman().update(Kalman().predict(moving), EMPTY)
    assert moving.x.value < 450 / 2 and moving.y.value < 375 / 2 and moving.height.value < 150 / 2
    for _ in range(6):
        moving = Kalman().predict(moving)
    assert moving.x.value < 0 and moving.y.value < 0 and moving.height.value < 0


@pytest.mark.parametrize(
    ("expected", "box", "wanted"),
    [
        ((0.0, 0.0, 10.0, 10.0), (0.0, 0.0, 10.0, 10.0), 1.0),
        ((0.0, 0.0, 10.0, 10.0), (5.0, 0.0, 15.0, 10.0), 1 / 3),
        ((0.0, 0.0, 10.0, 10.0), (10.0, 0.0, 20.0, 10.0), 0.0),
        ((0.0, 0.0, 10.0, 10.0), (3.0, 0.0, 3.0, 10.0), 0.0),  # a mask of one column
        ((0.0, 0.0, 0.0, 0.0), EMPTY, 0.0),
        ((2.0, 2.0, 2.0, 2.0), (2.0, 2.0, 2.0, 2.0), 0.0),
        ((10.0, 10.0, 0.0, 0.0), (2.0, 2.0, 8.0, 8.0), 0.0),  # an expected box turned upside down
    ],
)
def test_the_overlap_of_boxes(expected, box, wanted):
    assert overlap(expected, box) == pytest.approx(wanted)
