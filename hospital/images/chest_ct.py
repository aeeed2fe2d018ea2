"""CT of the chest at two levels, in Hounsfield units: the arteries of the lung, and the four chambers of the heart."""

from __future__ import annotations

import numpy as np

from clinsim.hospital.images.canvas import Canvas, length
from clinsim.hospital.images.gauges import Gauge, diameter, extent, gauge, lines, ratio, share
from clinsim.hospital.images.plan import Body, Plan
from clinsim.hospital.images.shapes import Both, Box, Ellipse, Line, Shape, clip

AIR, LUNG, FAT, SOFT, BONE, FLUID = -1000.0, -860.0, -90.0, 45.0, 500.0, 12.0
DENSE, VESSEL = 20.0, -540.0
"""Air spaces that are filled, and small vessels with the lung around them, HU."""
CONTRAST, PLAIN, CLOT = 320.0, 42.0, 50.0
WINDOWS = {"vessels": (-50.0, 450.0), "lung": (-1100.0, 200.0), "soft_tissue": (-160.0, 240.0)}
NOISE = 13.0
SIDES = (("right", -1.0), ("left", 1.0))


def _blood(body: Body) -> float:
    return PLAIN if body.protocol == "plain" else CONTRAST


def upper(body: Body) -> Plan:
    """The level of the pulmonary trunk."""
    s, blood = body.scale, _blood(body)
    zones = (item for side, sign in SIDES for item in _upper_zone(f"{side}_upper", sign * s, s, blood))
    gauges = (
        *zones,
        _artery(s, blood).at("pulmonary_arteries", "vessels", "flow_gap_mm"),
        _aorta(s, blood).at("mediastinum", "vessels", "line_density"),
    )
    return Plan(380.0, 300.0, 380.0 / 270, AIR, NOISE, WINDOWS, lambda canvas: _upper_anatomy(canvas, s, blood), gauges)


def _trunk(canvas: Canvas, s: float) -> None:
    """Skin, fat, muscle, lungs, vertebra, breastbone and ribs."""
    canvas.set(Ellipse(0.0, 0.0, 176.0 * s, 122.0 * s), FAT)
    canvas.set(Ellipse(0.0, 0.0, 160.0 * s, 108.0 * s), SOFT)
    for i in range(7):
        for sign in (-1.0, 1.0):
            canvas.set(Ellipse(sign * RIBS[i][0] * s, RIBS[i][1] * s, 5.0, 9.0, sign * RIBS[i][2]), BONE)
    canvas.set(Ellipse(0.0, 78.0 * s, 17.0, 14.0), 280.0)
    canvas.set(Ellipse(0.0, 95.0 * s, 8.0, 7.0), FLUID)
    canvas.set(Line(0.0, 102.0 * s, 0.0, 112.0 * s, 6.0), BONE)
    canvas.set(Line(-14.0, -101.0 * s, 14.0, -101.0 * s, 7.0), 300.0)


RIBS = (
    (52.0, -99.0, 1.1), (92.0, -88.0, 0.9), (126.0, -66.0, 0.6), (149.0, -34.0, 0.3),
    (155.0, 4.0, 0.0), (142.0, 46.0, -0.4), (106.0, 80.0, -0.8),
)  # fmt: skip
"""Middle (mm) and turn of the cut ribs of one side."""


def _lung(s: float, sign: float) -> Ellipse:
    return Ellipse(sign * 82.0 * s, -2.0 * s, 60.0 * s, 86.0 * s, sign * 0.06)


def _lungs(canvas: Canvas, s: float) -> None:
    """Both lungs, with vessels fading towards the chest wall."""
    for sign in (-1.0, 1.0):
        if not canvas.reaches(_lung(s, sign).bounds):
            continue
        place, alpha = canvas.cover(_lung(s, sign))
        twigs = (canvas.texture("vessels", place, 3) > 0.9) * 110.0 * (canvas.texture("cloud", place, 5) > -0.3)
        canvas.pixels[place] += alpha * (LUNG + twigs - canvas.pixels[place])


def _upper_anatomy(canvas: Canvas, s: float, blood: float) -> None:
    """Arteries and veins between the lungs, windpipe divided."""
    _trunk(canvas, s)
    _lungs(canvas, s)
    canvas.set(Ellipse(0.0, -8.0, 40.0 * s, 64.0 * s), FAT + 60.0)
    for shape in _great_vessels(s):
        canvas.set(shape, blood)
    for sign in (-1.0, 1.0):
        canvas.set(Ellipse(sign * 15.0, 22.0, 7.0, 6.0), AIR)
    canvas.set(Ellipse(4.0, 36.0, 5.0, 7.0), SOFT)


def _great_vessels(s: float) -> tuple[Shape, ...]:
    """Pulmonary trunk with both branches, superior cava, ascending and descending aorta."""
    return (
        Line(16.0 * s, -34.0, 22.0 * s, -6.0, 27.0), Line(20.0 * s, -4.0, 52.0 * s, 6.0, 17.0), Line(18.0 * s, -2.0, -60.0 * s, -2.0, 18.0),
        Ellipse(-32.0 * s, -24.0, 9.0, 10.0), Ellipse(-10.0 * s, -36.0, 17.0, 17.0), Ellipse(26.0 * s, 46.0, 12.0, 12.0),
    )  # fmt: skip


def _artery(s: float, blood: float) -> Gauge:
    """A gap in the contrast of the right main branch; without contrast nothing shows."""
    strip = Box(-58.0 * s, -5.0, -12.0, 1.0)
    x = -36.0 * s
    return _flow(strip, x, -2.0, 8.0, blood)


def _flow(strip: Box, x: float, y: float, half: float, blood: float) -> Gauge:
    figure = CLOT if blood == CONTRAST else blood

    def paint(canvas: Canvas, value: float) -> None:
        canvas.set(Box(x - value / 2, y - half, x + value / 2, y + half), figure)

    return gauge(strip, paint, lambda canvas: length(canvas, strip, "x", CONTRAST, CLOT, linear=True) if blood == CONTRAST else 0.0)


def _aorta(s: float, blood: float) -> Gauge:
    """Lines across the ascending aorta: pulsation a little, a flap more."""
    x, y = -10.0 * s, -36.0
    return lines(Box(x - 12.0, y - 5.0, x + 12.0, y + 5.0), "x", blood, blood - 240.0)


def _upper_zone(region: str, sign: float, s: float, blood: float) -> tuple[Gauge, ...]:
    shift = 2 if sign > 0 else 6
    return (
        share(_on(sign, 94.0, -64.0, 118.0, -44.0), LUNG, VESSEL, "mottle", shift).at(region, "lung", "marking_density"),
        _rim(sign, s).at(region, "lung", "edge_gap_mm"),
        share(_on(sign, 78.0, 6.0, 122.0, 44.0), LUNG, DENSE, "vessels", shift, VESSEL).at(region, "lung", "opacity_fraction"),
        share(_on(sign, 78.0, 46.0, 112.0, 58.0), LUNG, VESSEL, "mottle", shift + 1).at(region, "lung", "texture_index"),
        diameter(sign * 112.0, -22.0, 13.0, LUNG, DENSE).at(region, "lung", "diameter_mm"),
        _segment(sign, blood, -32.0).at(region, "vessels", "flow_gap_mm"),
    )


def _segment(sign: float, blood: float, y: float) -> Gauge:
    """A segmental artery that runs outwards, with a gap in its contrast."""
    strip = Box(*_on(sign, 56.0, y - 2.5, 80.0, y + 2.5).bounds)
    inner = _flow(strip, sign * 68.0, y, 5.0, blood)

    def paint(canvas: Canvas, value: float) -> None:
        canvas.set(Line(sign * 50.0, y, sign * 84.0, y, 8.0), blood)
        canvas.strokes()
        inner.paint(canvas, value)

    return gauge(strip, paint, inner.read)


def _on(sign: float, inner: float, top: float, outer: float, bottom: float) -> Box:
    left, right = sorted((sign * inner, sign * outer))
    return Box(left, top, right, bottom)


def _rim(sign: float, s: float) -> Gauge:
    """Air in front of the lung of a patient who lies on the back, behind a fine line."""
    lung = _lung(s, 1.0 if sign > 0 else -1.0)
    strip = Box(lung.x - 4.0, -92.0 * s, lung.x + 4.0, -34.0)

    def paint(canvas: Canvas, value: float) -> None:
        bounds = (lung.bounds[0], lung.bounds[1], lung.bounds[2], -20.0)
        if not canvas.reaches(bounds):
            return
        place, x, y = canvas.patch(bounds)
        depth = lung.inside(x, y)
        reach = value * clip((-24.0 - y) / 30.0, 0.0, 1.0)
        inside = clip(depth / canvas.spacing + 0.5, 0.0, 1.0)
        canvas.mix(place, inside * clip((reach - depth) / canvas.spacing + 0.5, 0.0, 1.0) * (reach > 0.0), AIR)
        canvas.pixels[place] += 420.0 * clip(1.0 - np.abs(reach + 1.2 - depth) / 1.2, 0.0, 1.0) * min(1.0, value / 4.0) * (reach > 0.3)

    def read(canvas: Canvas) -> float:
        found = length(canvas, strip, "y", LUNG, AIR)
        # both edges lie against something denser than lung, where a pixel that is half gas does not count
        return found + 0.4 * canvas.spacing if found > 0.1 else found

    return gauge(strip, paint, read)


# ---------------------------------------------------------------- lower level


def lower(body: Body) -> Plan:
    """The level of the four chambers."""
    s, blood = body.scale, _blood(body)
    zones = (item for side, sign in SIDES for item in _lower_zone(f"{side}_lower", sign * s, s, blood))
    gauges = (*zones, _chambers(s, blood).at("heart", "vessels", "chamber_ratio"), *_both(s, blood))
    return Plan(380.0, 300.0, 380.0 / 270, AIR, NOISE, WINDOWS, lambda canvas: _lower_anatomy(canvas, s, blood), gauges)


def _lower_anatomy(canvas: Canvas, s: float, blood: float) -> None:
    """Lungs, heart muscle with both atria, descending aorta."""
    _trunk(canvas, s)
    _lungs(canvas, s)
    canvas.set(Ellipse(14.0 * s, -30.0 * s, 66.0 * s, 52.0 * s, 0.45), SOFT + 45.0)
    for x, y, rx, ry in ((-26.0, -8.0, 17.0, 21.0), (14.0, 12.0, 26.0, 15.0), (24.0, 52.0, 12.0, 12.0)):
        canvas.set(Ellipse(x * s, y * s, rx, ry), blood)


def _chambers(s: float, blood: float) -> Gauge:
    """Widths of the right over the left ventricle."""
    right, left = -8.0 * s, 54.0 * s
    return ratio(_chamber(right, -44.0 * s, blood, 24.0), 40.0, _chamber(left, -22.0 * s, blood, 15.0))


def _chamber(x: float, y: float, blood: float, half: float) -> Gauge:
    strip = Box(x - 32.0, y - 2.5, x + 32.0, y + 2.5)
    ground = SOFT + 45.0
    figure = blood if blood == CONTRAST else PLAIN
    return extent(strip, "x", ground, figure, lambda value: (Ellipse(x, y, value / 2, half),))


def _lower_zone(region: str, sign: float, s: float, blood: float) -> tuple[Gauge, ...]:
    shift = 3 if sign > 0 else 7
    return (
        share(_on(sign, 88.0, -34.0, 128.0, 4.0), LUNG, DENSE, "vessels", shift, VESSEL).at(region, "lung", "opacity_fraction"),
        share(_on(sign, 90.0, 5.0, 126.0, 15.0), LUNG, VESSEL, "mottle", shift + 1).at(region, "lung", "texture_index"),
        diameter(sign * 108.0, 30.0, 12.0, LUNG, DENSE).at(region, "lung", "diameter_mm"),
        _layer(sign, s).at(region, "lung", "meniscus_height_mm"),
        _segment(sign, blood, 34.0).at(region, "vessels", "flow_gap_mm"),
    )


def _layer(sign: float, s: float) -> Gauge:
    """Fluid that has run to the back of the chest."""
    lung = _lung(s, 1.0 if sign > 0 else -1.0)
    bottom = lung.y + 86.0 * s
    strip = Box(lung.x - 4.0, 40.0, lung.x + 4.0, bottom + 1.0)

    def paint(canvas: Canvas, value: float) -> None:
        canvas.set(Both(lung, Box(lung.x - 90.0, bottom - value, lung.x + 90.0, bottom + 2.0)), FLUID)

    return gauge(strip, paint, lambda canvas: max(0.0, length(canvas, strip, "y", LUNG, FLUID) - (strip.y1 - bottom)))


def _both(s: float, blood: float) -> tuple[Gauge, ...]:
    """What is read over both lower zones: fine lines at the edge, front against back vessels, an artery."""
    front = extent(Box(-94.0 * s, -66.0, -78.0 * s, -62.0), "x", LUNG, DENSE, lambda w: (Box(-86.0 * s - w / 2, -67.0, -86.0 * s + w / 2, -61.0),))
    back = extent(Box(-94.0 * s, -48.0, -78.0 * s, -44.0), "x", LUNG, DENSE, lambda w: (Box(-86.0 * s - w / 2, -49.0, -86.0 * s + w / 2, -43.0),))
    return (
        lines(Box(-136.0 * s, -30.0, -130.0 * s, 14.0), "y", LUNG, DENSE).at("both_lower", "lung", "line_density"),
        ratio(front, 6.0, back).at("both_lower", "lung", "flow_redistribution_ratio"),
        _segment(-s, blood, 20.0).at("both_lower", "vessels", "flow_gap_mm"),
    )
