"""The chest radiograph, from the front and from the side: values are density, 0 for air and about 1 for thick bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clinsim.hospital.images.canvas import Canvas, length
from clinsim.hospital.images.gauges import Gauge, diameter, extent, gauge, lines, ratio, share
from clinsim.hospital.images.plan import Body, Plan
from clinsim.hospital.images.shapes import Array, Box, Ellipse, Line, clip

LUNG, WALL, HEART, SPINE, LIVER, GAS = 0.20, 0.42, 0.66, 0.60, 0.64, 0.03
DENSE, VESSEL = 0.58, 0.40
"""Density of what fills the air spaces, and of vessels in the lung."""
BASE, APEX = 92.0, -128.0
"""Millimetres of the costophrenic angles below and of the apices above the middle of the picture."""
WINDOWS = {"lung": (0.0, 0.75), "mediastinum": (0.25, 0.85), "bone": (0.1, 1.0)}
SIDES = (("right", -1.0), ("left", 1.0))


@dataclass(frozen=True, slots=True)
class Chest:
    """Outline of the lungs: half the inner width at the base, and height of the domes, in mm."""

    half: float
    dome: float

    @classmethod
    def of(cls, body: Body) -> Chest:
        """The chest of a body."""
        return cls(128.0 * body.scale, body.size("both_lower", "dome_height_mm"))

    @property
    def dome_at(self) -> float:
        """Distance of the top of a dome from the midline, in mm."""
        return (self.half + 4.0) / 2.0

    def wall(self, y: Array) -> Array:
        """Distance of the inner chest wall from the midline, in mm."""
        t = clip((y - APEX) / (BASE - APEX), 0.0, 1.0)
        return self.half * (1.0 - (1.0 - t) ** 2.6) ** 0.4545

    def floor(self, x: Array) -> Array:
        """Height of the diaphragm (mm, downwards) at distances from the midline."""
        off = (np.abs(x) - self.dome_at) / ((self.half - 36.0) / 2.0)
        return BASE - self.dome * np.maximum(1.0 - off**2, 0.0)

    def lungs(self, x: Array, y: Array) -> Array:
        """Distance to the edge of the lungs in mm, positive inside."""
        side = np.minimum(self.wall(y) - np.abs(x), np.abs(x) - 12.0)
        return np.minimum(np.minimum(side, self.floor(x) - y), y - APEX)


def frontal(body: Body) -> Plan:
    """The frontal film: back to front where the patient can stand, front to back at the bedside."""
    chest = Chest.of(body)
    gauges = (*_central(body, chest), *(item for side, sign in SIDES for item in _zones(side, sign, chest)), *_lower(chest), _under_the_dome(chest))
    return Plan(340.0, 340.0, 340.0 / 256, 0.02, 0.018, WINDOWS, lambda canvas: _behind(canvas, chest), gauges, lambda canvas: _bones(canvas, chest))


def _behind(canvas: Canvas, chest: Chest) -> None:
    """Trunk, neck and arms, lungs with their vessels."""
    canvas.set(Ellipse(0.0, 120.0, 166.0 / 128.0 * chest.half, 268.0), WALL)
    canvas.set(Box(-34.0, -180.0, 34.0, -130.0), WALL)
    x, y = canvas.axes()
    rib_cage = clip((chest.lungs(x, y)) / canvas.spacing + 0.5, 0.0, 1.0)
    whole = canvas.everything()
    belly = clip((y - chest.floor(x)) / canvas.spacing + 0.5, 0.0, 1.0) * clip((chest.half + 22.0 - np.abs(x)) / 24.0, 0.0, 1.0)
    canvas.mix(whole, belly, LIVER)
    hilum = clip(1.0 - np.hypot((np.abs(x) - 30.0) / 75.0, (y + 10.0) / 95.0), 0.0, 1.0)
    vessels = clip(canvas.texture("vessels", whole) - 0.35, 0.0, 1.0)
    canvas.pixels += rib_cage * (LUNG + 0.05 * hilum * vessels - canvas.pixels)
    canvas.set(Ellipse(62.0, BASE + 22.0, 24.0, 13.0), 0.30)


def _bones(canvas: Canvas, chest: Chest) -> None:
    """Ribs, collar bones, shoulder blades and the letter that marks the right side."""
    x, _ = canvas.axes()
    off = np.abs(x)
    for i in range(8):
        top = -112.0 + 27.0 * i
        place = (-170.0, top - 8.0, 170.0, top + 62.0)
        if not canvas.reaches(place):
            continue
        (rows, _), _, ys = canvas.patch(place)
        arc = top + 0.0034 * (off - 20.0) ** 2
        near = clip(3.4 - np.abs(ys - arc), 0.0, 1.0) * clip(chest.wall(ys) + 6.0 - off, 0.0, 1.0) * (off > 18.0)
        canvas.pixels[rows] += 0.035 * near
    for _, sign in SIDES:
        canvas.add(Line(sign * 14.0, -106.0, sign * 118.0, -138.0, 9.0), 0.16)
        canvas.add(Line(sign * 132.0, -120.0, sign * 148.0, -30.0, 14.0), 0.10)
    for part in (Line(-160.0, -155.0, -160.0, -141.0, 2.4), Line(-160.0, -148.0, -152.0, -141.0, 2.4), Ellipse(-156.5, -151.5, 4.0, 4.0)):
        canvas.set(part, 0.95)


# ---------------------------------------------------------------- heart and mediastinum


def _central(body: Body, chest: Chest) -> tuple[Gauge, ...]:
    return (_mediastinum().at("mediastinum", "mediastinum", "central_width_mm"), _heart(chest).at("heart", "mediastinum", "width_ratio"))


def _mediastinum() -> Gauge:
    strip = Box(-56.0, -101.0, 56.0, -92.0)

    def paint(canvas: Canvas, value: float) -> None:
        canvas.set(Box(-value / 2, -124.0, value / 2, BASE), SPINE)
        canvas.set(Ellipse(value / 2 - 8.0, -38.0, 17.0, 15.0), SPINE)
        canvas.add(Box(-7.0, -165.0, 7.0, -66.0), -0.10)

    return gauge(strip, paint, lambda canvas: length(canvas, strip, "x", LUNG, SPINE))


def _heart(chest: Chest) -> Gauge:
    """The heart across its widest part, over the inner width of the chest; a little more than half of it lies on the left."""
    strip = Box(-chest.half + 20.0, 30.0, chest.half - 20.0, 42.0)
    width = 2.0 * float(chest.wall(np.array([36.0]))[0])

    def paint(canvas: Canvas, value: float) -> None:
        across = value * width
        canvas.set(Ellipse(0.02 * across, 10.0, across * 0.37, 66.0, -0.3), HEART)
        canvas.set(Ellipse(0.06 * across, 38.0, across / 2, 50.0), HEART)

    def read(canvas: Canvas) -> float:
        ends = (Box(-width / 2 - 12.0, 30.0, -width / 2 + 12.0, 42.0), Box(width / 2 - 12.0, 30.0, width / 2 + 12.0, 42.0))
        wall = sum(length(canvas, end, "x", LUNG, WALL) for end in ends)
        return length(canvas, strip, "x", LUNG, HEART) / (width + 24.0 - wall)

    return gauge(Box(-width / 2 - 12.0, 30.0, width / 2 + 12.0, 42.0), paint, read)


# ---------------------------------------------------------------- lungs


def _zones(side: str, sign: float, chest: Chest) -> tuple[Gauge, ...]:
    upper, lower = f"{side}_upper", f"{side}_lower"
    s, shift = sign * chest.half / 128.0, 1 if sign > 0 else 5
    return (
        share(_on(s, 34.0, -90.0, 56.0, -68.0), LUNG, VESSEL, "mottle", shift).at(upper, "lung", "marking_density"),
        _rim(sign, chest).at(upper, "lung", "edge_gap_mm"),
        share(_on(s, 46.0, -66.0, 96.0, -34.0), LUNG, DENSE, "vessels", shift + 1, VESSEL).at(upper, "lung", "opacity_fraction"),
        share(_on(s, 80.0, -34.0, 104.0, -26.0), LUNG, VESSEL, "mottle", shift).at(upper, "lung", "texture_index"),
        diameter(s * 67.0, -20.0, 11.0, LUNG, DENSE).at(upper, "lung", "diameter_mm"),
        share(_on(s, 78.0, -26.0, 108.0, 8.0), LUNG, DENSE, "vessels", shift + 2, VESSEL).at(lower, "lung", "opacity_fraction"),
        share(_on(s, 80.0, 8.0, 108.0, 20.0), LUNG, VESSEL, "mottle", shift + 3).at(lower, "lung", "texture_index"),
        diameter(s * 100.0, 50.0, 13.0, LUNG, DENSE).at(lower, "lung", "diameter_mm"),
        _fluid(sign, chest).at(lower, "lung", "meniscus_height_mm"),
    )


def _on(sign: float, inner: float, top: float, outer: float, bottom: float) -> Box:
    """A box given by distances from the midline, to one side."""
    left, right = sorted((sign * inner, sign * outer))
    return Box(left, top, right, bottom)


def _rim(sign: float, chest: Chest) -> Gauge:
    """Air between the upper lung and the chest wall: a dark rim without vessels behind a fine white line."""
    edge = float(chest.wall(np.array([-80.0]))[0])
    strip = _on(sign, edge - 34.0, -84.0, edge + 0.5, -76.0)

    def paint(canvas: Canvas, value: float) -> None:
        bounds = _on(sign, 20.0, APEX, chest.half, -30.0).bounds
        if not canvas.reaches(bounds):
            return
        place, x, y = canvas.patch(bounds)
        depth = chest.wall(y) - np.abs(x)
        fade = clip((-36.0 - y) / 20.0, 0.0, 1.0)
        inside = clip(depth / canvas.spacing + 0.5, 0.0, 1.0)
        rim = clip((value * np.minimum(1.0, fade * 1.6) - depth) / canvas.spacing + 0.5, 0.0, 1.0) * inside * (fade > 0.0)
        canvas.mix(place, rim, GAS)
        canvas.pixels[place] += 0.25 * clip(1.0 - np.abs(value + 1.2 - depth) / 1.2, 0.0, 1.0) * min(1.0, value / 4.0) * (fade > 0.3)

    def read(canvas: Canvas) -> float:
        found = length(canvas, strip, "x", LUNG, GAS)
        # both edges lie against something brighter than lung, where a pixel that is half gas does not count
        return found + 0.4 * canvas.spacing if found > 0.1 else found

    return gauge(strip, paint, read)


def _fluid(sign: float, chest: Chest) -> Gauge:
    """Fluid in the angle, with a surface that climbs along the wall; its height is read close to the wall."""
    strip = _on(sign, chest.half - 10.0, BASE - 62.0, chest.half - 3.0, BASE)

    def paint(canvas: Canvas, value: float) -> None:
        bounds = _on(sign, 20.0, BASE - value - 16.0, chest.half + 2.0, BASE + 2.0).bounds
        if not canvas.reaches(bounds):
            return
        place, x, y = canvas.patch(bounds)
        off = np.maximum(chest.half - 10.0 - np.abs(x), 0.0)
        surface = BASE - value + np.minimum(off * 0.22, 0.0034 * off**2 + 0.4 * np.minimum(off, 10.0))
        inside = clip(chest.lungs(x, y) / canvas.spacing + 0.5, 0.0, 1.0)
        canvas.mix(place, inside * clip((y - surface) / canvas.spacing + 0.5, 0.0, 1.0), LIVER)

    return gauge(strip, paint, lambda canvas: length(canvas, strip, "y", LUNG, LIVER))


def _lower(chest: Chest) -> tuple[Gauge, ...]:
    """What is read over both lower zones: fine lines at the edge, upper against lower vessels, the dome."""
    s = -chest.half / 128.0
    upper = extent(_on(s, 66.0, 10.0, 80.0, 16.0), "x", LUNG, DENSE, lambda w: (_on(s, 73.0 - w / 2, 9.0, 73.0 + w / 2, 17.0),))
    lower = extent(_on(s, 66.0, 22.0, 80.0, 28.0), "x", LUNG, DENSE, lambda w: (_on(s, 73.0 - w / 2, 21.0, 73.0 + w / 2, 29.0),))
    return (
        _dome(chest).at("both_lower", "lung", "dome_height_mm"),
        lines(_on(s, 110.0, -16.0, 118.0, 28.0), "y", LUNG, DENSE).at("both_lower", "lung", "line_density"),
        ratio(upper, 6.0, lower).at("both_lower", "lung", "flow_redistribution_ratio"),
        share(_on(s, 92.0, 21.0, 109.0, 34.0), LUNG, VESSEL, "mottle", 9).at("both_lower", "lung", "marking_density"),
    )


def _dome(chest: Chest) -> Gauge:
    """Height of the right dome above the costophrenic angle, read outside its top, away from the heart.

    The dome itself is part of the anatomy; here it is only marked.
    """
    at = chest.dome_at + 14.0
    part = 1.0 - (28.0 / (chest.half - 36.0)) ** 2
    strip = Box(-at - 3.0, BASE - 58.0, -at + 3.0, BASE)

    def paint(canvas: Canvas, _: float) -> None:
        if not canvas.marks:
            return
        place, x, y = canvas.patch((-chest.half, BASE - 60.0, chest.half, BASE))
        canvas.touched.append((place, (y > chest.floor(x)) & (np.abs(x) < chest.half) & (y < BASE)))

    return gauge(strip, paint, lambda canvas: length(canvas, strip, "y", LUNG, LIVER, first_on=True) / part)


def _under_the_dome(chest: Chest) -> Gauge:
    """Free air: a dark crescent between the right dome and the liver."""
    top = BASE - chest.dome
    strip = Box(-chest.dome_at - 5.0, top + 4.5, -chest.dome_at + 5.0, top + 48.0)

    def paint(canvas: Canvas, value: float) -> None:
        bounds = (-chest.half, top - 2.0, -20.0, BASE + 40.0)
        if not canvas.reaches(bounds):
            return
        place, x, y = canvas.patch(bounds)
        depth = y - chest.floor(x) - 4.5
        off = (np.abs(x) - chest.dome_at) / ((chest.half - 36.0) / 2.0)
        thick = value * np.maximum(1.0 - off**4, 0.0)
        canvas.mix(place, clip(np.minimum(depth, thick - depth) / canvas.spacing + 0.5, 0.0, 1.0) * clip(thick * 4.0, 0.0, 1.0), GAS)

    return gauge(strip, paint, lambda canvas: length(canvas, strip, "y", LIVER, GAS)).at("subphrenic", "lung", "crescent_mm")
