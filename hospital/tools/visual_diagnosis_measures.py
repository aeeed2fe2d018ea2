"""Tools of the domain `visual_diagnosis` that measure, grade, mark and follow what is on an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic_core import from_json

from clinsim.errors import ToolError
from clinsim.hospital.images import quality_of
from clinsim.hospital.records.images import ImageRecord
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.generic import Written, put
from clinsim.hospital.tools.pictures import NO_PIXELS, Measurement, Pixels, measurements_on, pixels_of, spec_of
from clinsim.hospital.tools.readings import sizes_in
from clinsim.hospital.tools.visual_diagnosis import SET, image_of, seen_on
from clinsim.record import ROLES
from clinsim.tooling import tool

_chart = tool(SET, roles=ROLES, service="chart", tags=("read",))
_note = tool(SET, roles=ROLES, service="note", tags=("write",))


@dataclass(frozen=True, slots=True)
class LesionMeasures:
    """A place measured on the pixels; without pixels, the finding as described with the sizes that its words state."""

    image_id: str
    lesion_id: str
    finding_description: str
    measurements: Sequence[Measurement]
    stated_sizes: Sequence[str]
    note: str


@dataclass(frozen=True, slots=True)
class ImageMetrics:
    """Statistics of the pixels."""

    image_id: str
    modality: str
    body_part: str
    pixels: Pixels | None
    note: str


@dataclass(frozen=True, slots=True)
class Quality:
    """Technical quality of the acquisition: good, adequate or limited; `unknown` where there are no pixels to judge."""

    image_id: str
    modality: str
    view: str
    quality: str
    repeat_recommended: bool
    note: str


@dataclass(frozen=True, slots=True)
class Tracked:
    """One measurement on two images; `change_percent` is None where the older value is zero."""

    region: str
    window: str
    measure: str
    unit: str
    prior: float
    current: float
    change_percent: float | None


@dataclass(frozen=True, slots=True)
class LesionChanges:
    """What is measured on both images of one patient, side by side."""

    image_id: str
    prior_image_id: str
    tracked: Sequence[Tracked]
    note: str


def _measured(image: ImageRecord, focus: str = "") -> tuple[Measurement, ...]:
    return measurements_on(image.phantom, image.patient_key, image.image_id, focus)


@_chart
def measure_lesion(world: RecordWorld, image_id: str, lesion_id: str) -> LesionMeasures:
    """Measure a lesion or place on the pixels of an image.

    Args:
        image_id: Image, for example IMG001.
        lesion_id: Id of a described finding, or words for a place, for example right lower.
    """
    image = image_of(world, image_id)
    wanted = written("lesion_id", lesion_id)
    rows = seen_on(world, image_id)
    row = next((row for row in rows if row.finding_id == lesion_id), None)
    if row is None and image.phantom is None:
        raise ToolError(f"{image_id} has no finding of that id; it has {', '.join(row.finding_id for row in rows) or 'none'}")
    text = row.description if row else ""
    stated = [size for size, _ in sizes_in(text)]
    return LesionMeasures(image_id, lesion_id, text, _measured(image, row.location if row else wanted), stated, "" if image.phantom else NO_PIXELS)


@_chart
def calculate_image_metrics(world: RecordWorld, image_id: str) -> ImageMetrics:
    """Work out statistics of the pixels of an image: size, spacing, mean, spread, range.

    Args:
        image_id: Image, for example IMG001.
    """
    image = image_of(world, image_id)
    pixels = pixels_of(image.phantom, image.patient_key, image_id)
    return ImageMetrics(image_id, image.modality, image.body_part, pixels, "" if pixels else NO_PIXELS)


@_chart
def assess_image_quality(world: RecordWorld, image_id: str) -> Quality:
    """Judge the technical quality of an image.

    Args:
        image_id: Image, for example IMG001.
    """
    image = image_of(world, image_id)
    if image.phantom is None:
        return Quality(image_id, image.modality, image.view, "unknown", False, NO_PIXELS)
    grade = quality_of(spec_of(image.phantom, image.patient_key, image_id))
    return Quality(image_id, image.modality, image.view, grade, False, "Limited images are read with more doubt." if grade == "limited" else "")


@_chart
def track_lesion_changes(world: RecordWorld, image_id: str, prior_image_id: str) -> LesionChanges:
    """Measure the same places on two images and say how much each has changed.

    Args:
        image_id: The newer image.
        prior_image_id: The older image.
    """
    now, before = image_of(world, image_id), image_of(world, prior_image_id)
    old = {(row.region, row.window, row.measure): row.value for row in _measured(before)}
    both = [(row, old[row.region, row.window, row.measure]) for row in _measured(now) if (row.region, row.window, row.measure) in old]
    rows = [Tracked(row.region, row.window, row.measure, row.unit, was, row.value, _percent(was, row.value)) for row, was in both]
    note = "" if rows else (NO_PIXELS if now.phantom is None or before.phantom is None else "Images of different kinds: nothing to compare.")
    return LesionChanges(image_id, prior_image_id, rows, note)


def _percent(was: float, now: float) -> float | None:
    return round(100.0 * (now - was) / abs(was), 1) if was else None


@_note
def annotate_regions(world: RecordWorld, image_id: str, regions: str) -> Written:
    """Mark places on an image with words, for whoever reads it next.

    Args:
        image_id: Image, for example IMG001.
        regions: A JSON object of place and remark, for example {"right lower": "opacity"}.
    """
    image_of(world, image_id)
    try:
        marks = from_json(written("regions", regions).encode(), allow_inf_nan=False)
    except ValueError as problem:
        raise ToolError(f"regions is no JSON ({str(problem)[:60]}); send an object of place and remark") from problem
    if not isinstance(marks, dict) or not marks or not all(isinstance(remark, str) for remark in marks.values()):
        raise ToolError('regions must be a JSON object of place and remark, for example {"right lower": "opacity"}')
    return put(world, "annotation", image_id, regions=dict(sorted(marks.items())))
