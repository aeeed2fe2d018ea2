"""The chest radiograph from the side, the patient facing the left edge of the picture: values are density, 0 for air and about 1 for bone."""

from __future__ import annotations

import numpy as np

from clinsim.hospital.images.canvas import Canvas, length
from clinsim.hospital.images.chest_film import APEX, BASE, DENSE, HEART, LIVER, LUNG, SPINE, VESSEL, WALL, WINDOWS
from clinsim.hospital.images.gauges import Gauge, diameter, gauge, share
from clinsim.hospital.images.plan import Body, Plan
from clinsim.hospital.images.shapes import Array, Box, Ellipse, Line, clip

FRONT, BACK = -96.0, 88.0
"""Millimetres of the breastbone and of the back of the lungs from the middle, at mean size."""


def lateral(body: Body) -> Plan:
    """The film from the side; both lungs lie over each other, so that each side is drawn at a depth of its own."""
    s, dome = body.scale, body.size("both_lower", "dome_height_mm")
    gauges = (
        share(Box(-52.0 * s, -84.0, 4.0 * s, -56.0), LUNG, DENSE, "vessels", 4, VESSEL).at("right_upper", "lung", "opacity_fraction"),
        share(Box(-52.0 * s, -50.0, 4.0 * s, -22.0), LUNG, DENSE, "vessels", 5, VESSEL).at("left_upper", "lung", "opacity_fraction"),
        diameter(24.0 * s, -66.0, 13.0, LUNG, DENSE).at("right_upper", "lung", "diameter_mm"),
        diameter(24.0 * s, -38.0, 13.0, LUNG, DENSE).at("left_upper", "lung", "diameter_mm"),
        share(Box(12.0 * s, -16.0, 46.0 * s, 14.0), LUNG, DENSE, "vessels", 6, VESSEL).at("right_lower", "lung", "opacity_fraction"),
        share(Box(12.0 * s, 18.0, 46.0 * s, 46.0), LUNG, DENSE, "vessels", 7, VESSEL).at("left_lower", "lung", "opacity_fraction"),
        _angle(BACK * s * 0.94, 10.0).at("right_lower", "lung", "meniscus_height_mm"),
        _angle(BACK * s * 0.94 - 12.0, 26.0).at("left_lower", "lung", "meniscus_height_mm"),
    )
    return Plan(300.0, 340.0, 340.0 / 256, 0.02, 0.018, WINDOWS, lambda canvas: _behind(canvas, s, dome), gauges, lambda canvas: _bones(canvas, s))


def _lungs(x: Array, y: Array, s: float, dome: float) -> Array:
    """Distance to the edge of the lungs in mm, positive inside."""
    t = clip((y - APEX) / (BASE - APEX), 0.0, 1.0)
    front, back = FRONT * s * (0.45 + 0.55 * np.sqrt(t)), BACK * s * (0.62 + 0.38 * np.sqrt(t))
    floor = BASE - dome * np.maximum(1.0 - ((x + 20.0) / (70.0 * s)) ** 2, 0.0)
    return np.minimum(np.minimum(x - front, back - x), np.minimum(floor - y, y - APEX - 18.0 * ((x + 6.0) / (70.0 * s)) ** 2))


def _behind(canvas: Canvas, s: float, dome: float) -> None:
    """Trunk, lungs, belly, heart behind the breastbone, windpipe."""
    canvas.set(Ellipse(0.0, 110.0, 124.0 * s, 262.0), WALL)
    x, y = canvas.axes()
    whole = canvas.everything()
    belly = clip((y - BASE + dome + 4.0) / 6.0, 0.0, 1.0) * clip((100.0 * s - np.abs(x)) / 24.0, 0.0, 1.0)
    canvas.mix(whole, belly, LIVER)
    canvas.mix(whole, clip(_lungs(x, y, s, dome) / canvas.spacing + 0.5, 0.0, 1.0), LUNG)
    canvas.set(Ellipse(-52.0 * s, 40.0, 38.0 * s, 50.0, -0.35), HEART)
    canvas.add(Line(0.0, -170.0, 14.0, -60.0, 14.0), -0.10)


def _bones(canvas: Canvas, s: float) -> None:
    """Vertebrae one under the other, breastbone, ribs slanting forwards."""
    for i in range(11):
        canvas.add(Box((58.0 + 2.0 * abs(i - 5)) * s, -128.0 + 26.0 * i, (84.0 + 2.0 * abs(i - 5)) * s, -108.0 + 26.0 * i), 0.10)
    canvas.set(Line(-70.0 * s, -96.0, -98.0 * s, 24.0, 9.0), SPINE)
    for i in range(7):
        canvas.add(Line(72.0 * s, -96.0 + 26.0 * i, -78.0 * s, -50.0 + 24.0 * i, 6.0), 0.03)


def _angle(back: float, deep: float) -> Gauge:
    """Fluid in the angle behind, where it gathers first, so many mm deep; the two sides lie one before the other."""
    strip = Box(back - 9.0, BASE - 62.0, back - 3.0, BASE)

    def paint(canvas: Canvas, value: float) -> None:
        bounds = (back - deep, BASE - value - 4.0, back, BASE + 2.0)
        if canvas.reaches(bounds):
            place, x, y = canvas.patch(bounds)
            surface = BASE - value + 0.02 * np.maximum(back - 10.0 - x, 0.0) ** 2
            inside = clip((back - x) / canvas.spacing + 0.5, 0.0, 1.0) * clip((x - back + deep) / canvas.spacing + 0.5, 0.0, 1.0)
            canvas.mix(place, inside * clip((np.minimum(y - surface, BASE - y)) / canvas.spacing + 0.5, 0.0, 1.0), LIVER)

    return gauge(strip, paint, lambda canvas: length(canvas, strip, "y", LUNG, LIVER))
