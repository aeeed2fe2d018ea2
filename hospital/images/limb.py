"""Radiograph of a limb, the ankle from the front: values are density, 0 for air and about 1 for thick bone."""

from __future__ import annotations

from clinsim.hospital.images.canvas import Canvas, length
from clinsim.hospital.images.gauges import Gauge, gauge
from clinsim.hospital.images.plan import Body, Plan, Stroke
from clinsim.hospital.images.shapes import Box, Ellipse, Line

SKIN, MARROW, CORTEX, SWOLLEN = 0.16, 0.50, 0.86, 0.34
VISIBLE = 0.6
"""Steps above this size in mm are drawn with the dark line of the break."""
WINDOWS = {"bone": (0.0, 1.0), "soft_tissue": (0.0, 0.55)}


def ankle(body: Body) -> Plan:
    """Tibia and fibula above, talus below."""
    s = body.scale
    gauges = (
        _capsule(s).at("joint", "soft_tissue", "soft_tissue_mm"),
        _shaft(-6.0 * s, 15.0 * s, -26.0, 26.0).at("bone", "bone", "cortical_step_mm"),
        _shaft(29.0 * s, 6.5 * s, -4.0, 46.0).at("joint", "bone", "cortical_step_mm"),
    )
    return Plan(128.0, 128.0, 0.5, 0.01, 0.016, WINDOWS, _skin(s), gauges, lambda canvas: _tarsus(canvas, s))


def _skin(s: float) -> Stroke:
    """Soft tissue of the lower leg and the foot."""

    def paint(canvas: Canvas) -> None:
        canvas.set(Line(4.0, -90.0, 4.0, 34.0, 96.0 * s), SKIN)
        canvas.set(Line(0.0, 34.0, -8.0, 90.0, 76.0 * s), SKIN)

    return paint


def _tarsus(canvas: Canvas, s: float) -> None:
    """Inner ankle, talus and heel."""
    canvas.set(Line(-20.0 * s, 22.0, -23.5 * s, 38.0, 11.0 * s), CORTEX)
    canvas.set(Line(-19.0 * s, 20.0, -22.5 * s, 37.0, 7.0 * s), MARROW)
    canvas.set(Ellipse(2.0, 46.0, 23.0 * s, 15.0), CORTEX)
    canvas.set(Ellipse(2.0, 47.0, 21.0 * s, 13.0), MARROW + 0.08)
    canvas.set(Line(-8.0, 68.0, 2.0, 110.0, 40.0 * s), MARROW + 0.04)


def _shaft(x: float, half: float, y: float, low: float) -> Gauge:
    """A long bone whose lower part is shifted sideways by the value; the step is read between the outer edges."""
    above, below = Box(x - half - 12.0, y - 18.0, x, y - 7.0), Box(x - half - 12.0, y + 7.0, x, y + 18.0)
    marrow = (MARROW - SKIN) / (CORTEX - SKIN)

    def paint(canvas: Canvas, value: float) -> None:
        for at, top, bottom in ((x, -70.0, y), (x - value, y, low)):
            canvas.set(Box(at - half, top, at + half, bottom), CORTEX)
            canvas.set(Box(at - half + 3.0, top, at + half - 3.0, bottom), MARROW)
        canvas.strokes()
        if value > VISIBLE:
            canvas.set(Line(x - half - value, y + 3.0, x + half, y - 3.0, 0.4 + 0.4 * value), MARROW - 0.15)
        for edge in (x - half, x + half):
            canvas.mark(Box(edge - value, y, edge, low))

    def read(canvas: Canvas) -> float:
        step = length(canvas, below, "x", SKIN, CORTEX, linear=True) - length(canvas, above, "x", SKIN, CORTEX, linear=True)
        return max(0.0, step / marrow)

    return gauge(Box(x - half - 12.0, y - 18.0, x, y + 18.0), paint, read)


def _capsule(s: float) -> Gauge:
    """Soft tissue beside the inner ankle, thicker with fluid; read from skin to bone."""
    x, y = -29.0 * s, 38.0
    strip = Box(x - 30.0, y - 2.0, x, y + 2.0)

    def paint(canvas: Canvas, value: float) -> None:
        canvas.set(Ellipse(x + 4.0, y, value + 4.0, 20.0), SWOLLEN)

    return gauge(strip, paint, lambda canvas: length(canvas, strip, "x", SKIN, SWOLLEN))
