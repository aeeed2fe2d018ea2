"""What a picture is made of before it is drawn: the body it shows, the sizes of its structures, anatomy and gauges in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from clinsim.hospital.images.canvas import Canvas
from clinsim.hospital.images.gauges import Gauge
from clinsim.hospital.streams import Streams

Stroke = Callable[[Canvas], None]
Range = tuple[float, float]


def nothing(_: Canvas) -> None:
    """Paint nothing."""


@dataclass(frozen=True, slots=True)
class Body:
    """The anatomy behind a picture: keyed draws of this patient, and the sizes of what is measured by (region, measure)."""

    streams: Streams
    key: str
    sizes: Mapping[tuple[str, str], float]
    protocol: str = ""

    @property
    def scale(self) -> float:
        """Size of the body relative to the mean. Assumption: stature varies by about 4 %."""
        return min(1.08, max(0.92, 1.0 + 0.04 * self.streams.normal("body.scale", self.key)))

    def vary(self, what: str, spread: float) -> float:
        """A keyed number around 0, at most two spreads away."""
        return spread * min(2.0, max(-2.0, self.streams.normal(f"body.{what}", self.key)))

    def size(self, region: str, measure: str) -> float:
        """Size of what a measure reads in a region."""
        return self.sizes[region, measure]


@dataclass(frozen=True, slots=True)
class Plan:
    """A picture to be drawn: frame in mm, value of air, noise, windows as (black, white), anatomy, gauges, what lies over them."""

    width_mm: float
    height_mm: float
    spacing_mm: float
    air: float
    noise: float
    windows: Mapping[str, Range]
    before: Stroke
    gauges: tuple[Gauge, ...]
    after: Stroke = nothing
    masked: tuple[float, float] = field(default=(0.0, 0.0))
    """Opening half angle in radians and depth in mm of an ultrasound sector; zeros for a full frame."""
