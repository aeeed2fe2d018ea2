"""Ultrasound of the abdomen and of the kidneys: relative echo, black for fluid, with speckle; one sector for each region."""

from __future__ import annotations

import numpy as np

from clinsim.hospital.images.canvas import Canvas, length
from clinsim.hospital.images.gauges import Gauge, extent, gauge
from clinsim.hospital.images.plan import Body, Plan, Stroke
from clinsim.hospital.images.shapes import Between, Box, Ellipse, Line

FLUID, TISSUE, LIVER, BRIGHT, KIDNEY = 0.02, 0.42, 0.40, 0.95, 0.34
WINDOWS = {"grey": (0.0, 1.0), "doppler": (0.0, 1.0)}
APEX, REACH, ANGLE = -92.0, 176.0, 0.62
"""The sector: its tip (mm above the middle), depth in mm, half its angle in radians."""


def _plan(gauges: tuple[Gauge, ...], organ: float = TISSUE, before: Stroke | None = None) -> Plan:
    return Plan(180.0, 180.0, 180.0 / 200, organ, 0.022, WINDOWS, before or _speckle, gauges, _sector)


def _spine(canvas: Canvas) -> None:
    """The front of a vertebra, and its shadow."""
    _speckle(canvas)
    canvas.set(Ellipse(0.0, 74.0, 24.0, 20.0), BRIGHT)
    canvas.set(Ellipse(0.0, 80.0, 25.0, 23.0), 0.06)


def _pouch(canvas: Canvas) -> None:
    """Liver in front, kidney behind."""
    _speckle(canvas)
    canvas.set(Line(-70.0, -3.0, 70.0, -3.0, 1.6), 0.8)
    _soft_ellipse(canvas, 6.0, 64.0, 52.0, 24.0, KIDNEY)
    canvas.set(Ellipse(6.0, 64.0, 28.0, 9.0), 0.72)


def _speckle(canvas: Canvas) -> None:
    """Coarse grain of tissue and a bright line of skin and muscle."""
    canvas.pixels *= 1.0 + 0.07 * canvas.texture("mottle", canvas.everything())
    for depth, value in ((8.0, 0.8), (15.0, 0.6)):
        canvas.set(Between(Ellipse(0.0, APEX, depth + 22.0, depth + 22.0), Ellipse(0.0, APEX, depth + 20.5, depth + 20.5)), value)


def _sector(canvas: Canvas) -> None:
    """Black outside the sector."""
    x, y = canvas.axes()
    far = np.hypot(x, y - APEX)
    seen = (np.abs(np.arctan2(x, y - APEX)) < ANGLE) & (far < REACH) & (far > 20.0)
    canvas.pixels *= seen


class KidneyView:
    """A kidney along its length, with its bright middle."""

    def __init__(self, region: str, stones: bool) -> None:
        """A view of `region`."""
        self.region, self.stones = region, stones

    def __call__(self, body: Body) -> Plan:
        """The plan for a body."""
        cavity = _cavity().at(self.region, "grey", "cavity_mm")
        if not self.stones:
            return _plan((cavity,))
        return _plan((cavity, _shadow(34.0, 8.0).at(self.region, "doppler", "shadow_length_mm")))


def _cavity() -> Gauge:
    """Fluid in the middle of the kidney, read from front to back."""
    strip = Box(-10.0, -22.0, -4.0, 24.0)

    def paint(canvas: Canvas, value: float) -> None:
        _soft_ellipse(canvas, 0.0, 0.0, 58.0, 32.0, KIDNEY)
        canvas.set(Ellipse(0.0, 0.0, 32.0, 10.0 + value / 2), 0.72)
        canvas.strokes()
        canvas.set(Ellipse(-7.0, 0.0, 20.0, value / 2), FLUID)

    return gauge(strip, paint, lambda canvas: length(canvas, strip, "y", KIDNEY, FLUID))


def _soft_ellipse(canvas: Canvas, x: float, y: float, rx: float, ry: float, value: float) -> None:
    """An organ with its capsule and grain."""
    canvas.set(Ellipse(x, y, rx + 1.5, ry + 1.5), 0.7)
    canvas.set(Ellipse(x, y, rx, ry), value)


def _shadow(x: float, y: float) -> Gauge:
    """A bright spot that lets no sound through: the shadow behind it is as long as the spot is opaque."""
    strip = Box(x - 1.5, y + 3.0, x + 1.5, y + 64.0)

    def paint(canvas: Canvas, value: float) -> None:
        canvas.set(Box(x - 3.5, y + 3.0, x + 3.5, y + 3.0 + value), FLUID)
        canvas.set(Ellipse(x, y, 1.5 + value / 6, 1.2 + value / 10), BRIGHT)

    return gauge(strip, paint, lambda canvas: length(canvas, strip, "y", TISSUE, FLUID))


def gallbladder(body: Body) -> Plan:
    """The gallbladder under the liver: wall, bile, what lies in it."""
    return _plan((_wall().at("gallbladder", "grey", "wall_mm"), _shadow(12.0, 20.0).at("gallbladder", "grey", "shadow_length_mm")), LIVER)


def _wall() -> Gauge:
    """The near wall between liver and bile."""
    strip = Box(-3.0, -46.0, 3.0, -14.0)

    def paint(canvas: Canvas, value: float) -> None:
        canvas.set(Between(Ellipse(0.0, 4.0, 40.0 + value, 18.0 + value), Ellipse(0.0, 4.0, 40.0, 18.0)), BRIGHT)
        marked = list(canvas.touched)
        canvas.set(Ellipse(0.0, 4.0, 40.0, 18.0), FLUID)
        canvas.touched[:] = marked

    return gauge(strip, paint, lambda canvas: length(canvas, strip, "y", 0.25, BRIGHT))


def aorta(body: Body) -> Plan:
    """The aorta across, before the spine."""
    strip = Box(-46.0, -2.0, 46.0, 2.0)
    calibre = extent(strip, "x", TISSUE, FLUID, lambda value: (Ellipse(0.0, 0.0, value / 2, value / 2),))
    return _plan((calibre.at("aorta", "grey", "calibre_mm"),), before=_spine)


def appendix(body: Body) -> Plan:
    """The right lower quadrant: a tube across, and fluid between the loops."""
    strip = Box(-52.0, -2.0, -4.0, 2.0)
    tube = extent(strip, "x", TISSUE, 0.1, lambda value: (Ellipse(-28.0, 0.0, value / 2, value / 2),))
    return _plan((tube.at("right_lower_quadrant", "grey", "tube_diameter_mm"), _stripe(24.0, 14.0).at("right_lower_quadrant", "grey", "stripe_mm")))


def _stripe(x: float, y: float) -> Gauge:
    """A layer of fluid, read from front to back."""
    strip = Box(x - 4.0, y - 2.0, x + 4.0, y + 36.0)
    return extent(strip, "y", TISSUE, FLUID, lambda value: (Line(x - 22.0, y + value / 2, x + 22.0, y + value / 2, value),))


def pancreas(body: Body) -> Plan:
    """The pancreas before the splenic vein, with fluid around it."""
    return _plan((_stripe(0.0, 4.0).at("pancreas", "grey", "stripe_mm"),))


def peritoneum(body: Body) -> Plan:
    """Between liver and right kidney, where fluid gathers first."""
    return _plan((_stripe(0.0, 0.0).at("peritoneum", "grey", "stripe_mm"),), before=_pouch)


def liver(body: Body) -> Plan:
    """The liver: anatomy alone."""
    return _plan((), LIVER)


def bladder(body: Body) -> Plan:
    """The bladder: anatomy alone."""

    def paint(canvas: Canvas) -> None:
        _speckle(canvas)
        canvas.set(Ellipse(0.0, 10.0, 44.0, 30.0), FLUID)

    return Plan(180.0, 180.0, 180.0 / 200, TISSUE, 0.022, WINDOWS, paint, (), _sector)


class UreterView:
    """The lower end of one ureter behind the bladder."""

    def __init__(self, region: str) -> None:
        """A view of `region`."""
        self.region = region

    def __call__(self, body: Body) -> Plan:
        """The plan for a body."""

        def before(canvas: Canvas) -> None:
            _speckle(canvas)
            canvas.set(Ellipse(-10.0, -16.0, 46.0, 24.0), FLUID)

        gauges = (_shadow(8.0, 16.0).at(self.region, "doppler", "shadow_length_mm"),)
        return Plan(180.0, 180.0, 180.0 / 200, TISSUE, 0.022, WINDOWS, before, gauges, _sector)
