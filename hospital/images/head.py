"""The head: CT in Hounsfield units at two levels, CT angiography, and MRI in relative signal."""

from __future__ import annotations

from clinsim.hospital.images.canvas import Canvas
from clinsim.hospital.images.gauges import Gauge, area, extent, gauge, level, mean_in
from clinsim.hospital.images.plan import Body, Plan
from clinsim.hospital.images.shapes import Between, Both, Box, Ellipse, Line, Shape

SKIN, BONE, CSF, GREY, WHITE, BRAIN = 30.0, 1000.0, 8.0, 38.0, 30.0, 35.0
WINDOWS = {"brain": (0.0, 80.0), "stroke": (15.0, 55.0), "bone": (-500.0, 1500.0)}
VESSEL_HU = 320.0
"""Contrast in an artery, HU. Assumption."""


def upper_ct(body: Body) -> Plan:
    """The level of the basal ganglia and the side ventricles."""
    s = body.scale
    gauges = (*_compartments(s), *_ribbons(s, (("right_hemisphere", -1.0), ("left_hemisphere", 1.0))), *_dense_arteries(s), _skull(s))
    return Plan(230.0, 230.0, 230.0 / 256, -1000.0, 3.2, WINDOWS, lambda canvas: _upper(canvas, s), gauges)


def _upper(canvas: Canvas, s: float) -> None:
    """Scalp, skull, fluid, brain with its ribbon of grey matter, deep nuclei, ventricles."""
    _case(canvas, s, 1.0)
    canvas.set(Ellipse(0.0, 2.0, 56.0 * s, 72.0 * s), WHITE)
    _folds(canvas, s)
    for sign in (-1.0, 1.0):
        canvas.set(Ellipse(sign * 17.0 * s, 0.0, 7.0 * s, 17.0 * s, sign * 0.25), GREY)
        canvas.set(Ellipse(sign * 11.0 * s, 14.0 * s, 7.0 * s, 9.0 * s), GREY)
        canvas.set(Ellipse(sign * 8.0 * s, -24.0 * s, 3.6 * s, 13.0 * s, sign * -0.35), CSF)
        canvas.set(Ellipse(sign * 16.0 * s, 36.0 * s, 4.2 * s, 14.0 * s, sign * -0.3), CSF)
        canvas.set(Line(sign * 62.0 * s, 2.0, sign * 44.0 * s, -4.0, 2.4), CSF)
    canvas.set(Line(0.0, -2.0, 0.0, 10.0 * s, 2.6), CSF)
    canvas.set(Line(0.0, -80.0 * s, 0.0, -42.0 * s, 1.8), 44.0)
    canvas.set(Line(0.0, 52.0 * s, 0.0, 80.0 * s, 1.8), 44.0)


def _case(canvas: Canvas, s: float, size: float) -> None:
    """Scalp, skull, a rim of fluid and brain."""
    for rx, ry, value in ((74.0, 96.0, SKIN), (70.0, 91.0, BONE), (63.5, 84.0, CSF), (61.5, 82.0, GREY)):
        canvas.set(Ellipse(0.0, 0.0, rx * s * size, ry * s * size), value)


def _folds(canvas: Canvas, s: float) -> None:
    """Furrows of the surface."""
    place, alpha = canvas.cover(Between(Ellipse(0.0, 0.0, 61.5 * s, 82.0 * s), Ellipse(0.0, 2.0, 52.0 * s, 70.0 * s)))
    canvas.pixels[place] -= 14.0 * alpha * (canvas.texture("vessels", place) > 0.75)


def _compartments(s: float) -> tuple[Gauge, ...]:
    """Where blood would lie, each with its shape; without blood the patch looks like brain."""
    rim = Between(Ellipse(0.0, 0.0, 62.5 * s, 83.0 * s), Ellipse(-8.0 * s, 2.0, 62.0 * s, 83.0 * s))
    shapes: tuple[tuple[str, Shape], ...] = (
        ("right_hemisphere", Ellipse(-36.0 * s, 30.0 * s, 13.0, 16.0, 0.4)),
        ("left_hemisphere", Ellipse(36.0 * s, 30.0 * s, 13.0, 16.0, -0.4)),
        ("basal_ganglia", Ellipse(-24.0 * s, -2.0, 8.0, 13.0, 0.2)),
        ("subarachnoid", Line(-42.0 * s, -6.0 * s, -56.0 * s, -2.0 * s, 6.5)),
        ("extra_axial", Both(rim, Box(20.0 * s, -50.0 * s, 70.0 * s, 20.0))),
        ("ventricles", Ellipse(16.0 * s, 43.0 * s, 4.5, 8.0, -0.3)),
    )
    return tuple(level(shape).at(region, "brain", "attenuation_hu") for region, shape in shapes)


def _ribbons(s: float, sites: tuple[tuple[str, float], ...]) -> tuple[Gauge, ...]:
    made = [_ribbon(sign * 37.0 * s, -34.0 * s).at(region, "stroke", "contrast_step_hu") for region, sign in sites]
    return (*made, _ribbon(24.0 * s, 4.0).at("basal_ganglia", "stroke", "contrast_step_hu"))


def _ribbon(x: float, y: float) -> Gauge:
    """A patch of grey beside one of white matter: they come to look alike, and darker, as cells swell."""
    grey, white = Ellipse(x - 4.0, y, 5.5, 9.0), Ellipse(x + 6.0, y, 5.5, 9.0)

    def paint(canvas: Canvas, value: float) -> None:
        middle = 34.0 - 1.5 * max(0.0, 7.0 - value)
        canvas.set(Ellipse(x + 1.0, y, 13.0, 11.0), middle)
        canvas.set(white, middle - value / 2)
        canvas.set(grey, middle + value / 2)

    site = Box(x - 10.0, y - 9.0, x + 12.0, y + 9.0)
    return gauge(site, paint, lambda canvas: mean_in(canvas, grey, 1.5) - mean_in(canvas, white, 1.5))


def _dense_arteries(s: float) -> tuple[Gauge, ...]:
    sides = (("right_hemisphere", -1.0), ("left_hemisphere", 1.0))
    return tuple(
        level(Line(sign * 9.0 * s, -50.0 * s, sign * 22.0 * s, -57.0 * s, 4.0)).at(region, "stroke", "line_attenuation_hu") for region, sign in sides
    )


def _skull(s: float) -> Gauge:
    """A gap in the vault, read along the bone."""
    strip = Box(-5.0, -88.6 * s, 11.0, -86.6 * s)
    return extent(strip, "x", BONE, SKIN, lambda value: (Box(3.0 - value / 2, -94.0 * s, 3.0 + value / 2, -82.0 * s),), linear=True).at(
        "skull", "bone", "cortical_step_mm"
    )


def lower_ct(body: Body) -> Plan:
    """The level of cerebellum and brain stem."""
    s = body.scale
    gauges = (
        level(Ellipse(-22.0 * s, 36.0 * s, 11.0, 9.0, 0.3)).at("posterior_fossa", "brain", "attenuation_hu"),
        _ribbon(20.0 * s, 34.0 * s).at("posterior_fossa", "stroke", "contrast_step_hu"),
        level(Ellipse(0.0, -7.0 * s, 2.6, 2.6)).at("posterior_fossa", "stroke", "line_attenuation_hu"),
    )
    return Plan(230.0, 230.0, 230.0 / 256, -1000.0, 3.2, WINDOWS, lambda canvas: _lower(canvas, s), gauges)


def _lower(canvas: Canvas, s: float) -> None:
    """Temporal lobes, petrous bone, brain stem and cerebellum with the fourth ventricle."""
    _case(canvas, s, 0.94)
    for sign in (-1.0, 1.0):
        canvas.set(Ellipse(sign * 30.0 * s, -22.0 * s, 24.0 * s, 26.0 * s), BRAIN)
        canvas.set(Line(sign * 58.0 * s, 6.0 * s, sign * 18.0 * s, -8.0 * s, 9.0), BONE * 0.8)
    canvas.set(Ellipse(0.0, -32.0 * s, 9.0 * s, 9.0 * s), BONE * 0.7)
    canvas.set(Ellipse(0.0, -60.0 * s, 26.0 * s, 12.0 * s), BRAIN)
    canvas.set(Ellipse(0.0, -6.0 * s, 15.0 * s, 9.0 * s), CSF)
    canvas.set(Ellipse(0.0, 8.0 * s, 14.0 * s, 11.0 * s), BRAIN)
    canvas.set(Ellipse(0.0, 40.0 * s, 47.0 * s, 25.0 * s), BRAIN)
    canvas.set(Ellipse(0.0, 22.0 * s, 7.0, 4.0), CSF)


# ---------------------------------------------------------------- angiography


def angiogram(body: Body) -> Plan:
    """Arteries of neck and head from the front, the brightest point along each ray."""
    s = body.scale
    gauges = (
        _gap(-52.0 * s, -30.0, -14.0 * s, -30.0, "x").at("right_hemisphere", "vessels", "flow_gap_mm"),
        _gap(14.0 * s, -30.0, 52.0 * s, -30.0, "x").at("left_hemisphere", "vessels", "flow_gap_mm"),
        _gap(0.0, -20.0, 0.0, 14.0, "y").at("posterior_fossa", "vessels", "flow_gap_mm"),
        _gap(-26.0 * s, -46.0, -8.0 * s, -46.0, "x").at("basal_ganglia", "vessels", "flow_gap_mm"),
        _gap(32.0 * s, 50.0, 32.0 * s, 96.0, "y").at("neck", "vessels", "flow_gap_mm"),
    )
    windows = {"vessels": (0.0, 400.0), "brain": (0.0, 80.0)}
    return Plan(200.0, 230.0, 230.0 / 256, 0.0, 12.0, windows, lambda canvas: _arteries(canvas, s), gauges)


def _gap(x0: float, y0: float, x1: float, y1: float, along: str, width: float = 5.0) -> Gauge:
    """A stretch of an artery without contrast in the middle of a straight run."""
    x, y, half = (x0 + x1) / 2, (y0 + y1) / 2, width / 2 + 1.5
    strip = Box(x0, y - 1.5, x1, y + 1.5) if along == "x" else Box(x - 1.5, y0, x + 1.5, y1)

    def shapes(value: float) -> tuple[Shape, ...]:
        if along == "x":
            return (Box(x - value / 2, y - half, x + value / 2, y + half),)
        return (Box(x - half, y - value / 2, x + half, y + value / 2),)

    return extent(strip, along, VESSEL_HU, 50.0, shapes, linear=True)


def _arteries(canvas: Canvas, s: float) -> None:
    """Skull, carotid and vertebral arteries, basilar artery, middle and anterior cerebral arteries with branches."""
    canvas.set(Ellipse(0.0, -40.0, 76.0 * s, 84.0), 90.0)
    canvas.set(Ellipse(0.0, -40.0, 71.0 * s, 79.0), 50.0)
    canvas.set(Box(-58.0 * s, 60.0, 58.0 * s, 120.0), 50.0)
    runs = [(0.0, -24.0, 0.0, 20.0, 5.0), (0.0, 20.0, -10.0, 60.0, 3.6), (0.0, 20.0, 10.0, 60.0, 3.6)]
    for sign in (-1.0, 1.0):
        runs += [(sign * x0 * s, y0, sign * x1 * s, y1, w) for x0, y0, x1, y1, w in SIDE_RUNS]
    for x0, y0, x1, y1, width in runs:
        canvas.set(Line(x0, y0, x1, y1, width), VESSEL_HU)


SIDE_RUNS = (
    (32.0, 120.0, 32.0, 40.0, 6.5), (32.0, 40.0, 20.0, 10.0, 5.5), (20.0, 10.0, 10.0, -30.0, 5.0), (10.0, -30.0, 54.0, -30.0, 5.0),
    (54.0, -30.0, 62.0, -52.0, 3.4), (54.0, -30.0, 66.0, -34.0, 3.0), (62.0, -52.0, 56.0, -84.0, 2.4), (62.0, -52.0, 68.0, -70.0, 2.0),
    (28.0, -46.0, 6.0, -46.0, 5.0), (6.0, -46.0, 4.0, -96.0, 3.0), (28.0, -46.0, 20.0, -30.0, 3.0), (2.0, -24.0, 26.0, -14.0, 3.0),
)  # fmt: skip
"""Straight runs of the arteries of one side: ends and width in mm."""


# ---------------------------------------------------------------- MRI

MR_WINDOWS = {"diffusion": (0.0, 2.6), "flair": (0.0, 2.0), "susceptibility": (0.0, 1.6)}


def diffusion_upper(body: Body) -> Plan:
    """Diffusion at the level of the nuclei: the bright picture on the left, the map of diffusion on the right."""
    sites = (("right_hemisphere", -26.0, 20.0), ("left_hemisphere", 26.0, 20.0), ("basal_ganglia", -14.0, -14.0))
    return _diffusion(body.scale, sites)


def diffusion_lower(body: Body) -> Plan:
    """Diffusion at the level of the cerebellum."""
    return _diffusion(body.scale, (("posterior_fossa", 0.0, 22.0),))


def _diffusion(s: float, sites: tuple[tuple[str, float, float], ...]) -> Plan:
    gauges: list[Gauge] = []
    for region, x, y in sites:
        gauges.append(_restricted(90.0 + x * s, y * s).at(region, "diffusion", "signal_ratio"))
        gauges.append(area(-90.0 + x * s, y * s, 16.0, 1.0, 2.4, 3).at(region, "diffusion", "bright_area_cm2"))

    def before(canvas: Canvas) -> None:
        for x, brain, fluid in ((-90.0, 1.0, 0.4), (90.0, 1.0, 2.2)):
            canvas.set(Ellipse(x, 0.0, 60.0 * s, 80.0 * s), brain)
            for sign in (-1.0, 1.0):
                canvas.set(Ellipse(x + sign * 8.0, -40.0 * s, 3.0, 12.0, sign * -0.3), fluid)

    return Plan(360.0, 200.0, 360.0 / 300, 0.05, 0.07, MR_WINDOWS, before, tuple(gauges))


def _restricted(x: float, y: float) -> Gauge:
    """Signal of a patch over that of the same place behind it."""
    patch, other = Ellipse(x, y, 9.0, 9.0), Ellipse(x, y + 30.0, 9.0, 9.0)
    site = Box(x - 9.0, y - 9.0, x + 9.0, y + 39.0)
    return gauge(site, lambda canvas, value: canvas.set(patch, value), lambda canvas: mean_in(canvas, patch, 2.0) / mean_in(canvas, other, 2.0))


def flair(body: Body) -> Plan:
    """Fluid-attenuated picture: anatomy alone."""
    s = body.scale
    return Plan(230.0, 230.0, 230.0 / 256, 0.05, 0.05, MR_WINDOWS, lambda canvas: _mri(canvas, s), ())


def susceptibility_upper(body: Body) -> Plan:
    """Picture in which old and new blood is black, level of the nuclei."""
    s = body.scale
    sites = (
        ("right_hemisphere", -36.0, 34.0), ("left_hemisphere", 36.0, 34.0), ("basal_ganglia", -24.0, 2.0),
        ("subarachnoid", 40.0, -26.0), ("extra_axial", -36.0, -36.0),
    )  # fmt: skip
    return _susceptibility(s, sites)


def susceptibility_lower(body: Body) -> Plan:
    """The same at the level of the cerebellum."""
    return _susceptibility(body.scale, (("posterior_fossa", 16.0, 34.0),))


def _susceptibility(s: float, sites: tuple[tuple[str, float, float], ...]) -> Plan:
    gauges = tuple(area(x * s, y * s, 14.0, 1.0, 0.1, i).at(region, "susceptibility", "dark_area_cm2") for i, (region, x, y) in enumerate(sites))
    above = "posterior_fossa" not in {region for region, _, _ in sites}
    return Plan(
        230.0,
        230.0,
        230.0 / 256,
        0.05,
        0.05,
        MR_WINDOWS,
        lambda canvas: _mri(canvas, s, above),
        gauges,
    )


def _mri(canvas: Canvas, s: float, ventricles: bool = True) -> None:
    """Scalp, dark skull, brain, fluid in the side ventricles or, below, in the fourth."""
    parts: tuple[tuple[float, float, float], ...] = ((74.0, 96.0, 1.4), (70.0, 91.0, 0.1), (62.5, 83.0, 0.3), (61.0, 81.5, 1.15), (55.0, 75.0, 1.0))
    for rx, ry, value in parts:
        canvas.set(Ellipse(0.0, 0.0, rx * s, ry * s), value)
    if not ventricles:
        canvas.set(Ellipse(0.0, 8.0 * s, 7.0, 5.0), 0.4)
        return
    for sign in (-1.0, 1.0):
        canvas.set(Ellipse(sign * 8.0 * s, -26.0 * s, 3.6 * s, 13.0 * s, sign * -0.35), 0.4)
        canvas.set(Ellipse(sign * 14.0 * s, 32.0 * s, 4.2 * s, 10.0 * s, sign * -0.3), 0.4)
