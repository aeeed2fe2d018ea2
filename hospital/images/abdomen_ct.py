"""CT of the abdomen at two levels, in Hounsfield units: the upper organs, and bowel with the right lower quadrant."""

from __future__ import annotations

from math import sqrt

from clinsim.hospital.images.canvas import Canvas, length
from clinsim.hospital.images.gauges import Gauge, extent, gauge, level, lines, mean_in
from clinsim.hospital.images.plan import Body, Plan
from clinsim.hospital.images.shapes import Between, Both, Box, Ellipse, Line, Shape

AIR, GAS, FAT, FLUID, SOFT, BONE = -1000.0, -960.0, -95.0, 10.0, 50.0, 600.0
WINDOWS = {"soft_tissue": (-150.0, 230.0), "lung": (-1100.0, 200.0), "bone": (-300.0, 1000.0)}
NOISE = 10.0
ENHANCED = {"liver": 110.0, "kidney": 170.0, "vessel": 190.0, "muscle": 60.0}
PLAIN = {"liver": 58.0, "kidney": 36.0, "vessel": 42.0, "muscle": 52.0}
"""Attenuation in the portal venous phase and without contrast, HU. Assumption, in the range of textbooks."""


def _tissue(body: Body) -> dict[str, float]:
    return ENHANCED if body.protocol in ("", "standard") else PLAIN


def upper(body: Body) -> Plan:
    """The level of liver, gallbladder, pancreas and kidneys."""
    s, hu = body.scale, _tissue(body)
    gauges = (
        *(_kidney(sign * 58.0 * s, hu["kidney"]).at(f"{side}_kidney", "soft_tissue", "cavity_mm") for side, sign in (("right", -1.0), ("left", 1.0))),
        _wall(s).at("gallbladder", "soft_tissue", "wall_mm"),
        level(Ellipse(-44.0 * s, -38.0, 4.0, 4.0)).at("gallbladder", "soft_tissue", "peak_attenuation_hu"),
        level(Ellipse(22.0 * s, -20.0, 13.0, 6.0, -0.1)).at("pancreas", "soft_tissue", "fat_attenuation_hu"),
        _calibre(8.0, 26.0, 48.0, FAT, hu["vessel"]).at("aorta", "soft_tissue", "calibre_mm"),
        lines(Box(1.0, 21.0, 15.0, 31.0), "x", hu["vessel"], hu["vessel"] - (110.0 if hu is ENHANCED else 30.0)).at(
            "aorta", "soft_tissue", "line_density"
        ),
        _pocket(s).at("peritoneum", "lung", "gas_pocket_mm"),
        _stripe(s).at("peritoneum", "soft_tissue", "stripe_mm"),
    )
    return Plan(380.0, 280.0, 380.0 / 290, AIR, NOISE, WINDOWS, lambda canvas: _upper_anatomy(canvas, s, hu), gauges)


def _trunk(canvas: Canvas, s: float, muscle: float) -> None:
    """Skin, fat, wall of muscle, fat within, vertebra and the muscles of the back."""
    canvas.set(Ellipse(0.0, 0.0, 172.0 * s, 124.0 * s), FAT)
    canvas.set(Ellipse(0.0, 0.0, 154.0 * s, 106.0 * s), muscle)
    canvas.set(Ellipse(0.0, -2.0, 144.0 * s, 96.0 * s), FAT)
    for sign in (-1.0, 1.0):
        canvas.set(Ellipse(sign * 34.0 * s, 84.0 * s, 26.0 * s, 17.0), muscle)
    canvas.set(Ellipse(0.0, 62.0, 23.0, 18.0), 240.0)
    canvas.set(Ellipse(0.0, 84.0, 9.0, 7.0), FLUID)
    canvas.set(Line(0.0, 92.0, 0.0, 108.0 * s, 6.0), BONE)


def _upper_anatomy(canvas: Canvas, s: float, hu: dict[str, float]) -> None:
    """Liver on the right, stomach and spleen on the left, pancreas, cava."""
    _trunk(canvas, s, hu["muscle"])
    canvas.set(Both(Ellipse(-78.0 * s, -26.0, 66.0 * s, 62.0 * s), Ellipse(0.0, -2.0, 138.0 * s, 90.0 * s)), hu["liver"])
    canvas.set(Both(Ellipse(-10.0 * s, -58.0 * s, 52.0 * s, 30.0 * s, 0.2), Ellipse(0.0, -2.0, 138.0 * s, 90.0 * s)), hu["liver"])
    canvas.set(Ellipse(68.0 * s, -46.0 * s, 44.0 * s, 28.0 * s, 0.3), 25.0)
    canvas.set(Both(Ellipse(68.0 * s, -46.0 * s, 41.0 * s, 25.0 * s, 0.3), Box(10.0, -90.0, 120.0, -54.0 * s)), GAS)
    canvas.set(Ellipse(116.0 * s, 8.0, 16.0 * s, 40.0 * s, 0.15), hu["liver"] + 5.0)
    canvas.set(Line(-16.0 * s, 2.0, 54.0 * s, -6.0, 15.0), hu["liver"] - 15.0)
    canvas.set(Ellipse(-30.0 * s, 10.0, 9.0, 8.0), hu["vessel"] - 20.0)


def _kidney(x: float, hu: float) -> Gauge:
    """A kidney with its fatty middle; a dilated pelvis is a pool of water in it."""
    y = 50.0
    strip = Box(x - 2.5, y - 24.0, x + 2.5, y + 24.0)

    def paint(canvas: Canvas, value: float) -> None:
        canvas.set(Ellipse(x, y, 24.0, 31.0), hu)
        canvas.set(Ellipse(x, y, 15.0, max(8.0, value / 2 + 3.0)), FAT)
        canvas.strokes()
        canvas.set(Ellipse(x, y, 11.0, value / 2), FLUID)

    return gauge(strip, paint, lambda canvas: max(0.0, _pool(canvas, strip, hu)))


def _pool(canvas: Canvas, strip: Box, hu: float) -> float:
    """Length of a strip in mm that is water between fat."""
    return length(canvas, strip, "y", FAT, FLUID) - length(canvas, strip, "y", FLUID, hu)


def _wall(s: float) -> Gauge:
    """Wall of the gallbladder, read where its back lies against bile and fat."""
    x, y = -50.0 * s, -30.0
    strip = Box(x - 3.0, y + 12.0, x + 3.0, y + 29.0)

    def paint(canvas: Canvas, value: float) -> None:
        canvas.set(Ellipse(x, y + 4.0, 30.0, 30.0), FAT)
        canvas.set(Ellipse(x, y, 16.0 + value, 18.0 + value), SOFT + 40.0)
        canvas.touched.clear()
        canvas.set(Between(Ellipse(x, y, 16.0 + value, 18.0 + value), Ellipse(x, y, 16.0, 18.0)), SOFT + 40.0)
        marked = list(canvas.touched)
        canvas.set(Ellipse(x, y, 16.0, 18.0), FLUID)
        canvas.touched[:] = marked

    return gauge(strip, paint, lambda canvas: length(canvas, Box(x - 3.0, y + 18.0, x + 3.0, y + 29.0), "y", FAT, SOFT + 40.0))


def _calibre(x: float, y: float, reach: float, ground: float, figure: float, wall: float = 0.0) -> Gauge:
    """A round vessel or loop whose width is the value."""
    strip = Box(x - reach, y - 2.0, x + reach, y + 2.0)

    def paint(canvas: Canvas, value: float) -> None:
        r = value / 2
        if wall:
            canvas.set(Ellipse(x, y, r, r), figure + wall)
            canvas.set(Ellipse(x, y, r - 2.0, r - 2.0), figure)
        else:
            canvas.set(Ellipse(x, y, r, r), figure)

    # a flap inside the vessel is no edge: what is well above the ground counts as vessel
    return gauge(strip, paint, lambda canvas: length(canvas, strip, "x", ground, ground + 0.5 * (figure - ground), around=x))


def _pocket(s: float) -> Gauge:
    """Free gas under the front wall."""
    top = -96.0 * s - 2.0
    x = -24.0
    strip = Box(x - 2.0, top + 1.0, x + 2.0, top + 40.0)

    def paint(canvas: Canvas, value: float) -> None:
        y = top + 6.0
        canvas.set(Ellipse(x, y + 6.0, 16.0, 10.0), FAT)
        canvas.strokes()
        canvas.set(Ellipse(x, y + value / 2, 8.0 + value, value / 2), GAS)

    return gauge(strip, paint, lambda canvas: length(canvas, strip, "y", FAT, GAS))


def _stripe(s: float) -> Gauge:
    """Fluid between liver and the wall of the right side."""
    wall = 144.0 * s * sqrt(1.0 - (56.0 / (96.0 * s)) ** 2)
    return _band(1.0 - wall, 46.0)


def _band(x: float, y: float) -> Gauge:
    """A layer of water in fat, read across."""
    strip = Box(x, y - 4.0, x + 23.0, y + 4.0)

    def shapes(value: float) -> tuple[Shape, ...]:
        return (Box(x, y - 8.0, x + value, y + 8.0),)

    return extent(strip, "x", FAT, FLUID, shapes)


# ---------------------------------------------------------------- lower level


def lower(body: Body) -> Plan:
    """The level of the small bowel, the ureters and the appendix."""
    s, hu = body.scale, _tissue(body)
    gauges = (
        _calibre(36.0, -34.0, 48.0, FAT, FLUID + 8.0, 45.0).at("bowel", "soft_tissue", "calibre_mm"),
        *(
            _stone(sign * 42.0 * s, body.protocol).at(f"{side}_ureter", "bone", "peak_attenuation_hu")
            for side, sign in (("right", -1.0), ("left", 1.0))
        ),
        _appendix(s).at("right_lower_quadrant", "soft_tissue", "tube_diameter_mm"),
        level(Ellipse(-66.0 * s, -6.0, 8.0, 7.0)).at("right_lower_quadrant", "soft_tissue", "fat_attenuation_hu"),
        _band(-92.0 * s, 40.0).at("right_lower_quadrant", "soft_tissue", "stripe_mm"),
    )
    return Plan(380.0, 280.0, 380.0 / 290, AIR, NOISE, WINDOWS, lambda canvas: _lower_anatomy(canvas, s, hu), gauges)


def _lower_anatomy(canvas: Canvas, s: float, hu: dict[str, float]) -> None:
    """Psoas, pelvic bones, large bowel with gas, loops of small bowel, aorta and cava."""
    _trunk(canvas, s, hu["muscle"])
    for sign in (-1.0, 1.0):
        canvas.set(Ellipse(sign * 42.0 * s, 54.0, 17.0, 20.0, sign * 0.3), hu["muscle"])
        canvas.set(Line(sign * 118.0 * s, 34.0, sign * 70.0 * s, 76.0, 9.0), BONE)
    for x, y, r in ((-112.0, -22.0, 20.0), (118.0, -10.0, 16.0)):
        canvas.set(Ellipse(x * s, y, r, r), SOFT)
        canvas.set(Both(Ellipse(x * s, y, r - 3.0, r - 3.0), Box(-150.0, -90.0, 150.0, y)), GAS)
    for x, y, rx, ry in (
        (-30.0, -62.0, 17.0, 11.0),
        (-8.0, -24.0, 15.0, 11.0),
        (78.0, 24.0, 12.0, 16.0),
        (-56.0, -44.0, 14.0, 10.0),
        (16.0, -74.0, 20.0, 9.0),
    ):
        canvas.set(Ellipse(x * s, y, rx, ry), SOFT)
        canvas.set(Ellipse(x * s, y, rx - 3.0, ry - 3.0), FLUID + 10.0)
    canvas.set(Ellipse(8.0, 30.0, 8.0, 8.0), hu["vessel"])
    canvas.set(Ellipse(-16.0, 32.0, 10.0, 8.0), hu["vessel"] - 20.0)


def _stone(x: float, protocol: str) -> Gauge:
    """A ureter in cross-section, with what makes its brightest point."""
    spot = Ellipse(x, 24.0, 3.4, 3.4)

    def paint(canvas: Canvas, value: float) -> None:
        canvas.set(Ellipse(x, 24.0, 8.0, 8.0), FAT)
        canvas.set(spot, value)

    return gauge(Box(x - 8.0, 16.0, x + 8.0, 32.0), paint, lambda canvas: mean_in(canvas, spot, 1.2))


def _appendix(s: float) -> Gauge:
    """The appendix, a tube cut along its length, read across."""
    x, y = -78.0 * s, 18.0
    strip = Box(x - 4.0, y - 14.0, x + 4.0, y + 13.0)

    def paint(canvas: Canvas, value: float) -> None:
        canvas.set(Line(x - 16.0, y, x + 16.0, y, value), SOFT)

    return gauge(strip, paint, lambda canvas: length(canvas, strip, "y", FAT, SOFT))
