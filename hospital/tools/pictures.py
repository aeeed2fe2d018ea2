"""Bodies shared by the imaging domains: what is measured on the pixels of an image, and the honest word where there are none."""

from __future__ import annotations

from dataclasses import dataclass

from clinsim.hospital.images import Lesion, Spec, draw, look
from clinsim.hospital.records.images import PhantomRule
from clinsim.hospital.studies import load_imaging
from clinsim.hospital.tools.readings import telling

NO_PIXELS = "This record has words but no pixels: what is listed was described by a reader, nothing was measured."


@dataclass(frozen=True, slots=True)
class Measurement:
    """A quantity read from the pixels of a region under a window; it bears no finding's name. `usual` is its mean where nothing is found."""

    region: str
    window: str
    measure: str
    value: float
    unit: str
    usual: float


def spec_of(rule: PhantomRule, patient: str, study: str) -> Spec:
    """What is to be drawn: the anatomy hangs on the patient, noise and position on the study, or on the keys that the rule names."""
    lesions = tuple(Lesion(row.finding, row.region, row.size) for row in rule.findings)
    return Spec(rule.code, lesions, rule.protocol, rule.anatomy or patient, rule.acquisition or study, rule.seed)


def measurements_on(rule: PhantomRule | None, patient: str, study: str, focus: str) -> tuple[Measurement, ...]:
    """All that can be measured on a picture, in the regions that a focus names; nothing without pixels.

    Args:
        rule: How the picture is drawn.
        patient: Id of the patient.
        study: Id of the image or study.
        focus: Words for a place; all places if empty.
    """
    if rule is None:
        return ()
    imaging, spec = load_imaging(), spec_of(rule, patient, study)
    places = [(region, window) for code, region, window in imaging.measured if code == rule.code]
    wanted = _nearest(places, focus)
    rules = imaging.measures
    return tuple(
        Measurement(region, window, name, value, rules[name].unit, rules[name].absent.mean)
        for region, window in wanted
        for name, value in look(spec, region, window).items()
    )


def _nearest(places: list[tuple[str, str]], focus: str) -> list[tuple[str, str]]:
    """The places whose names share most words with a focus; all where none shares any."""
    wanted = set(telling(focus))
    shared = {place: len(wanted & set(telling(" ".join(place).replace("_", " ")))) for place in places}
    most = max(shared.values(), default=0)
    return [place for place in places if shared[place] == most]


@dataclass(frozen=True, slots=True)
class Pixels:
    """Statistics of a picture: rows, columns, mm per pixel, and its values (HU for CT, else relative)."""

    rows: int
    columns: int
    spacing_mm: float
    mean: float
    sd: float
    low: float
    high: float


def pixels_of(rule: PhantomRule | None, patient: str, study: str) -> Pixels | None:
    """Statistics of the usual view of a picture; None without pixels."""
    if rule is None:
        return None
    picture = draw(spec_of(rule, patient, study))
    values = picture.pixels
    numbers = (picture.spacing_mm, float(values.mean()), float(values.std()), float(values.min()), float(values.max()))
    return Pixels(values.shape[0], values.shape[1], *(round(number, 3) for number in numbers))
