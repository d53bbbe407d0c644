"""Where a box is to be expected next: the Kalman filter of DeepSORT (arXiv 1703.07402, 2.1), which SAMURAI follows.

A box is four coordinates that move steadily: the centre x and y, the aspect w / h and the height. The published filter
has one mean of eight numbers and one covariance of eight by eight. But nothing in it ties one coordinate to another, so
it is four filters of a value and its velocity side by side, and these need no matrices. All is float64 on the host.
"""

from __future__ import annotations

from dataclasses import dataclass

from vidmem.choices.boxes import Box


@dataclass(frozen=True)
class Coordinate:
    """One coordinate of a box and its change in a frame, and how unsure both are."""

    value: float
    velocity: float
    value_variance: float
    covariance: float  # of the value and the velocity
    velocity_variance: float

    def advanced(self, noise: float, velocity_noise: float) -> Coordinate:
        """One frame later.     noise: standard deviations of what may happen in between"""
        return Coordinate(
            self.value + self.velocity,
            self.velocity,
            self.value_variance + 2 * self.covariance + self.velocity_variance + noise**2,
            self.covariance + self.velocity_variance,
            self.velocity_variance + velocity_noise**2,
        )

    def corrected(self, measured: float, noise: float) -> Coordinate:
        """After the value was measured.     noise: standard deviation of the measurement"""
        total = self.value_variance + noise**2
        gain, velocity_gain = self.value_variance / total, self.covariance / total
        surprise = measured - self.value
        return Coordinate(
            self.value + gain * surprise,
            self.velocity + velocity_gain * surprise,
            self.value_variance - gain**2 * total,
            self.covariance - gain * velocity_gain * total,
            self.velocity_variance - velocity_gain**2 * total,
        )


@dataclass(frozen=True)
class Moving:
    """A box on its way."""

    x: Coordinate  # of the centre, in pixels
    y: Coordinate
    aspect: Coordinate  # width over height
    height: Coordinate  # in pixels

    @property
    def box(self) -> Box:
        """Where it is."""
        x, y, aspect, height = (each.value for each in (self.x, self.y, self.aspect, self.height))
        width = aspect * height
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2


@dataclass(frozen=True)
class Kalman:
    """How boxes move and how exactly they are seen. Noise is given as standard deviations, in the published numbers."""

    position_noise: float = 1 / 20  # of the height, in centre and height; when measured, too (DeepSORT's code)
    velocity_noise: float = 1 / 160  # of the height, a frame
    aspect_noise: float = 1e-2
    aspect_velocity_noise: float = 1e-5
    measured_aspect_noise: float = 1e-1
    start_position: float = 2.0  # times position_noise: how unsure the first box is
    start_velocity: float = 10.0  # times velocity_noise

    def start(self, box: Box) -> Moving:
        """A box seen for the first time, held to be at rest."""
        x, y, aspect, height = _measured(box)
        place = (self.start_position * self.position_noise * height) ** 2
        speed = (self.start_velocity * self.velocity_noise * height) ** 2
        return Moving(
            Coordinate(x, 0.0, place, 0.0, speed),
            Coordinate(y, 0.0, place, 0.0, speed),
            Coordinate(aspect, 0.0, self.aspect_noise**2, 0.0, self.aspect_velocity_noise**2),
            Coordinate(height, 0.0, place, 0.0, speed),
        )

    def predict(self, moving: Moving) -> Moving:
        """Where it is to be expected in the next frame."""
        place, speed = self.position_noise * moving.height.value, self.velocity_noise * moving.height.value
        return Moving(
            moving.x.advanced(place, speed),
            moving.y.advanced(place, speed),
            moving.aspect.advanced(self.aspect_noise, self.aspect_velocity_noise),
            moving.height.advanced(place, speed),
        )

    def update(self, expected: Moving, box: Box) -> Moving:
        """What was expected, after the box was seen."""
        x, y, aspect, height = _measured(box)
        noise = self.position_noise * expected.height.value
        return Moving(
            expected.x.corrected(x, noise),
            expected.y.corrected(y, noise),
            expected.aspect.corrected(aspect, self.measured_aspect_noise),
            expected.height.corrected(height, noise),
        )


def _measured(box: Box) -> tuple[float, float, float, float]:
    """Centre x and y, aspect, height; a box without height counts as one pixel high."""
    x0, y0, x1, y1 = box
    height = (y1 - y0) or 1.0
    return (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / height, height
