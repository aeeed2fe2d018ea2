"""Phantom studies: pictures drawn from a patient's key and what the images show, with known masks, and measured from their pixels.

`draw` makes a picture of a `Spec`, `measure` reads what a region and window offer. Everything is a function of keys: the same spec gives
the same pixels in any process. Sizes follow `scenarios/imaging.yaml`, with a share that belongs to the patient and one of this acquisition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import sqrt

import numpy as np

from clinsim.errors import ToolError
from clinsim.hospital.images.atlas import PLANS, VIEWS
from clinsim.hospital.images.canvas import Canvas, Mask
from clinsim.hospital.images.gauges import Gauge
from clinsim.hospital.images.plan import Body, Plan, Range
from clinsim.hospital.images.shapes import Array, Box
from clinsim.hospital.images.textures import TILE
from clinsim.hospital.streams import Streams
from clinsim.hospital.studies import load_imaging, same_place
from clinsim.imaging_file import Imaging, Spread

ANATOMY = 0.5
"""Share of the variance of a size that belongs to the patient and is the same in every study; the rest is position, breath and
blur of one acquisition. Assumption."""
QUALITY: tuple[tuple[str, float], ...] = (("good", 1.0), ("adequate", 1.12), ("limited", 1.3))
"""Grades of technical quality with their noise relative to the best technique. Assumption."""
QUALITY_UP_TO = (0.78, 0.96, 1.0)
"""Cumulative shares of the grades. Assumption."""


@dataclass(frozen=True, slots=True)
class Lesion:
    """A finding to be drawn, where, and the size of its first measure (in its unit; drawn by chance if none is given)."""

    finding: str
    region: str
    size: float | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """A study to be drawn: kind of study, findings, protocol, keys of the patient's anatomy and of this acquisition, seed."""

    code: str
    findings: tuple[Lesion, ...] = ()
    protocol: str = ""
    patient: str = ""
    study: str = ""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Phantom:
    """A picture: pixels (HU for CT, else relative), mm per pixel, masks by finding, places of regions, windows, sizes as drawn."""

    spec: Spec
    view: str
    pixels: Array
    spacing_mm: float
    masks: Mapping[str, Mask]
    regions: Mapping[str, Box]
    windows: Mapping[str, Range]
    drawn: Mapping[tuple[str, str], float]
    quality: str
    gauges: tuple[Gauge, ...]


def views(code: str) -> tuple[str, ...]:
    """Views of a kind of study, the usual one first."""
    return tuple(view for study, view in PLANS if study == code)


def view_of(code: str, region: str, window: str = "") -> str:
    """The view in which a region is seen (under a window, if views differ by it)."""
    return VIEWS.get((code, region, window)) or VIEWS.get((code, region, "")) or (region if (code, region) in PLANS else views(code)[0])


def quality_of(spec: Spec) -> str:
    """Technical quality of an acquisition: good, adequate or limited."""
    return QUALITY[_grade(spec)][0]


def _grade(spec: Spec) -> int:
    u = Streams(spec.seed).uniform("image.quality", spec.study)
    return next(i for i, edge in enumerate(QUALITY_UP_TO) if u <= edge)


def draw(spec: Spec, view: str = "", imaging: Imaging | None = None) -> Phantom:
    """Draw one view of a study.

    Args:
        spec: What is to be drawn.
        view: One of `views(spec.code)`; the usual one if empty.
        imaging: Rules for sizes; those of the house if none are given.

    Raises:
        ToolError: There is no such view; the message names those there are.
    """
    name = view or views(spec.code)[0]
    if (spec.code, name) not in PLANS:
        raise ToolError(f"{spec.code} has no view {view!r}; allowed {', '.join(views(spec.code))}")
    rules = imaging or load_imaging()
    drawn, plan = _planned(spec, name, rules)
    canvas = Canvas.blank((plan.width_mm, plan.height_mm), plan.spacing_mm, plan.air, _offset(spec, name))
    changed = _paint(canvas, plan, drawn, _noise(spec, rules))
    masks = _masks(spec, plan, changed, rules)
    here = {(item.region, item.measure): drawn[item.region, item.measure] for item in plan.gauges}
    return Phantom(spec, name, canvas.pixels, canvas.spacing, masks, _regions(plan.gauges), plan.windows, here, quality_of(spec), plan.gauges)


def _planned(spec: Spec, view: str, rules: Imaging) -> tuple[Sizes, Plan]:
    drawn = Sizes(spec, rules)
    return drawn, PLANS[spec.code, view](Body(Streams(spec.seed), spec.patient, drawn, spec.protocol))


@lru_cache(maxsize=64)
def _planned_here(spec: Spec, view: str) -> tuple[Sizes, Plan]:
    """By the rules of the house; kept for the next look at the same study."""
    return _planned(spec, view, load_imaging())


def _paint(canvas: Canvas, plan: Plan, drawn: Mapping[tuple[str, str], float], noise: float) -> list[Mask]:
    """Anatomy, structures, what lies over them, noise; the answer is what each structure changed."""
    plan.before(canvas)
    changed = []
    for item in plan.gauges:
        canvas.touched.clear()
        item.paint(canvas, drawn[item.region, item.measure])
        changed.append(canvas.strokes())
    plan.after(canvas)
    canvas.pixels += noise * plan.noise * canvas.texture("grain", canvas.everything())
    return changed


def _offset(spec: Spec, view: str) -> int:
    return int(Streams(spec.seed).uniform("image.noise", f"{spec.study}|{view}") * TILE * TILE)


def _noise(spec: Spec, rules: Imaging) -> float:
    return rules.studies[spec.code].protocol(spec.protocol).noise * QUALITY[_grade(spec)][1]


def _regions(gauges: Iterable[Gauge]) -> dict[str, Box]:
    found: dict[str, Box] = {}
    for item in gauges:
        found[item.region] = _joined(item.site, found.get(item.region, item.site))
    return found


def _masks(spec: Spec, plan: Plan, changed: list[Mask], rules: Imaging) -> dict[str, Mask]:
    masks: dict[str, Mask] = {}
    for lesion in spec.findings:
        look = rules.findings[lesion.finding].seen[spec.code]
        for item, mask in zip(plan.gauges, changed, strict=True):
            if item.measure in look.present and item.window == look.window and item.region in look.regions and same_place(lesion.region, item.region):
                masks[lesion.finding] = masks.get(lesion.finding, np.zeros_like(mask)) | mask
    return masks


# ---------------------------------------------------------------- sizes


class Sizes(Mapping[tuple[str, str], float]):
    """Size of each structure that the study can measure, by region and measure: as it is drawn, in the measure's unit; drawn when asked for."""

    def __init__(self, spec: Spec, rules: Imaging) -> None:
        """Sizes of a study under the rules."""
        self._spec, self._rules, self._noise = spec, rules, _noise(spec, rules)
        self._windows = {(region, name): window for (code, region, window), names in rules.measured.items() if code == spec.code for name in names}
        self._known: dict[tuple[str, str], float] = {}

    def __getitem__(self, key: tuple[str, str]) -> float:
        """The size of a region and measure."""
        if key not in self._known:
            self._known[key] = _size(self._spec, key[0], self._windows[key], key[1], self._rules, self._noise)
        return self._known[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Regions and measures."""
        return iter(self._windows)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._windows)


def _size(spec: Spec, region: str, window: str, name: str, rules: Imaging, noise: float) -> float:
    """The mean where nothing is, moved by each finding that shows, with the widest of their spreads; a size that is given wins."""
    rule, streams = rules.measures[name], Streams(spec.seed)
    shows: list[Spread] = []
    given: list[float] = []
    for lesion in spec.findings:
        look = rules.findings[lesion.finding].seen.get(spec.code)
        protocol = spec.protocol or rules.studies[spec.code].usual_protocol
        if look is None or look.window != window or region not in look.regions or not same_place(lesion.region, region) or name not in look.present:
            continue
        if not look.protocols or protocol in look.protocols:
            shows.append(look.present[name])
            given += [lesion.size] if lesion.size is not None and name == next(iter(look.present)) else []
    if given:
        return min(rule.high, max(rule.low, given[0]))
    mean = rule.absent.mean + sum(spread.mean - rule.absent.mean for spread in shows)
    spread = max([rule.absent.sd, *(item.sd for item in shows)])
    anatomy = streams.normal(f"size.{name}", f"{spec.patient}|{region}|{window}") * sqrt(ANATOMY)
    taken = streams.normal(f"view.{name}", f"{spec.study}|{region}|{window}") * sqrt(noise**2 - ANATOMY)
    return min(rule.high, max(rule.low, mean + spread * (anatomy + taken)))


# ---------------------------------------------------------------- measuring


def measure(phantom: Phantom, region: str, window: str, imaging: Imaging | None = None) -> dict[str, float]:
    """What can be measured in a region under a window, read from the pixels, rounded as the measure is; empty where nothing can.

    Args:
        phantom: The picture; `view_of` says which view shows the region.
        region: Region of the study.
        window: Window of the study.
        imaging: Rules; those of the house if none are given.
    """
    wanted = [item for item in phantom.gauges if item.region == region and item.window == window]
    return _read(Canvas(phantom.pixels, phantom.spacing_mm), wanted, imaging or load_imaging())


def _read(canvas: Canvas, wanted: Iterable[Gauge], rules: Imaging) -> dict[str, float]:
    """Values in the order of the file, rounded as their measure is and kept within what it can be."""
    found = {}
    for item in wanted:
        rule = rules.measures[item.measure]
        found[item.measure] = round(min(rule.high, max(rule.low, item.read(canvas))), rule.digits)
    return {name: found[name] for name in rules.measures if name in found}


def look(spec: Spec, region: str, window: str, imaging: Imaging | None = None) -> dict[str, float]:
    """The same as `measure` of the view that shows the region, without drawing more of the picture than what is read.

    Args:
        spec: The study.
        region: Region of the study.
        window: Window of the study.
        imaging: Rules; those of the house if none are given.
    """
    if imaging is None or imaging is load_imaging():
        return dict(_look_here(spec, region, window))
    return _look(_planned(spec, view_of(spec.code, region, window), imaging), spec, (region, window), imaging)


@lru_cache(maxsize=8192)
def _look_here(spec: Spec, region: str, window: str) -> tuple[tuple[str, float], ...]:
    """By the rules of the house; kept, since forks, replays and other policies on the same seed look at the same pictures."""
    plan = _planned_here(spec, view_of(spec.code, region, window))
    return tuple(_look(plan, spec, (region, window), load_imaging()).items())


def _look(planned: tuple[Sizes, Plan], spec: Spec, place: tuple[str, str], rules: Imaging) -> dict[str, float]:
    (drawn, plan), (region, window) = planned, place
    name = view_of(spec.code, region, window)
    wanted = [item for item in plan.gauges if item.region == region and item.window == window]
    if not wanted:
        return {}
    part = _regions(replace(item, region="") for item in wanted)[""]
    canvas = Canvas.blank((plan.width_mm, plan.height_mm), plan.spacing_mm, plan.air, _offset(spec, name), part)
    canvas.marks = False
    plan.before(canvas)
    for item in plan.gauges:
        item.paint(canvas, drawn[item.region, item.measure])
    plan.after(canvas)
    canvas.pixels += _noise(spec, rules) * plan.noise * canvas.texture("grain", canvas.everything())
    return _read(canvas, wanted, rules)


def _joined(a: Box, b: Box) -> Box:
    return Box(min(a.x0, b.x0), min(a.y0, b.y0), max(a.x1, b.x1), max(a.y1, b.y1))
