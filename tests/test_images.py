"""Phantom images: what is drawn lies where its mask says, and what is measured is what was drawn."""

import hashlib
import io
import subprocess
import sys
import time
from functools import cache
from statistics import fmean

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsim.agents.image_reading import certainty, findings
from clinsim.errors import ToolError
from clinsim.hospital.drug_facts import PatientFacts
from clinsim.hospital.follow_up import follow_up
from clinsim.hospital.images import Lesion, Spec, compare, crop, draw, extent_of, grain_of, look, measure, png, quality_of, view_of, views, windowed
from clinsim.hospital.images.atlas import PLANS
from clinsim.hospital.images.canvas import Canvas, length
from clinsim.hospital.images.shapes import Box, Ellipse
from clinsim.hospital.streams import Streams
from clinsim.hospital.studies import Shown, Study, load_imaging, shown
from clinsim.hospital.viewing import prior_of, seen, view

RULES = load_imaging()
SEEN = [(name, code) for name, finding in RULES.findings.items() for code in finding.seen]
STREAMS = Streams(3)


def shows(name: str, code: str, region: str = "", key: str = "a", size: float | None = None) -> Spec:
    look_ = RULES.findings[name].seen[code]
    protocol = look_.protocols[0] if look_.protocols else ""
    return Spec(code, (Lesion(name, region or look_.regions[0], size),), protocol, key, key)


# ---------------------------------------------------------------- every finding has a drawing


def test_every_measure_of_the_file_is_drawn_and_read_in_the_view_that_shows_its_region() -> None:
    for (code, region, window), names in RULES.measured.items():
        phantom = draw(Spec(code), view_of(code, region, window))
        assert tuple(measure(phantom, region, window)) == names, (code, region, window)
        assert region in phantom.regions


@pytest.mark.parametrize(("name", "code"), SEEN)
def test_every_finding_has_a_drawing_wherever_it_can_be(name: str, code: str) -> None:
    appearance = RULES.findings[name].seen[code]
    for region in appearance.regions:
        spec = shows(name, code, region)
        with_it = draw(spec, view_of(code, region, appearance.window))
        without = draw(Spec(code, (), spec.protocol, spec.patient, spec.study), with_it.view)
        mask = with_it.masks[name]
        assert mask.any(), f"{name} is not drawn on {code} in {region}: give its measures a gauge there"
        changed = np.abs(with_it.pixels - without.pixels)
        assert changed.max() > 0.0
        assert changed[grown(mask, 22.0 / with_it.spacing_mm)].sum() >= 0.95 * changed.sum(), region


def grown(mask: np.ndarray, pixels: float) -> np.ndarray:
    rows, cols = np.nonzero(mask)
    wide, r = np.zeros_like(mask), round(pixels)
    wide[max(0, rows.min() - r) : rows.max() + r, max(0, cols.min() - r) : cols.max() + r] = True
    return wide


def test_all_views_and_windows_of_all_studies_are_drawn() -> None:
    assert {code for code, _ in PLANS} == set(RULES.studies)
    for code, name in PLANS:
        phantom = draw(Spec(code), name)
        assert set(RULES.studies[code].windows) <= set(phantom.windows)
        assert np.isfinite(phantom.pixels).all()
        assert windowed(phantom).std() > 5.0


def test_a_picture_costs_milliseconds() -> None:
    for code, name in PLANS:
        draw(Spec(code), name)
        began = time.process_time()
        for i in range(3):
            draw(Spec(code, patient=str(i), study=str(i)), name)
        assert (time.process_time() - began) / 3 < 0.03, (code, name)


# ---------------------------------------------------------------- what is measured is what was drawn


@pytest.mark.parametrize("code", RULES.studies)
def test_measurement_recovers_the_drawn_size(code: str) -> None:
    errors: dict[tuple[str, str], list[float]] = {}
    for name in views(code):
        for i in range(14):
            phantom = draw(Spec(code, (), "", f"p{i}", f"s{i}"), name)
            canvas = Canvas(phantom.pixels, phantom.spacing_mm)
            for item in phantom.gauges:
                gap = item.read(canvas) - phantom.drawn[item.region, item.measure]
                errors.setdefault((item.region, item.measure), []).append(gap / RULES.measures[item.measure].absent.sd)
    for key, gaps in errors.items():
        assert abs(fmean(gaps)) < 0.5, key
        assert np.sqrt(fmean(gap**2 for gap in gaps)) < 0.75, key


@given(size=st.floats(5.0, 22.0), key=st.text("abc", min_size=1, max_size=3))
@settings(max_examples=20, deadline=None)
def test_a_nodule_of_a_given_size_is_measured_and_masked_at_that_size(size: float, key: str) -> None:
    phantom = draw(shows("nodule", "CT_PULMONARY", "left_lower", key, size), "chambers")
    assert measure(phantom, "left_lower", "lung")["diameter_mm"] == pytest.approx(size, abs=0.8)
    found = extent_of(phantom, phantom.masks["nodule"])
    assert found.mean_diameter_mm == pytest.approx(size, abs=1.2)
    assert found.mean_inside > found.mean_around
    assert found.x_mm > 0.0, "the patient's left is on the right of the picture"


def test_a_strip_is_read_to_a_fraction_of_a_pixel() -> None:
    for width in (0.7, 3.3, 10.2):
        canvas = Canvas.blank((60.0, 40.0), 1.3, 0.0)
        canvas.set(Box(-width / 2, -20.0, width / 2, 20.0), 1.0)
        assert length(canvas, Box(-20.0, -5.0, 20.0, 5.0), "x", 0.0, 1.0, linear=True) == pytest.approx(width, abs=0.02)
    round_ = Canvas.blank((60.0, 40.0), 1.3, 0.0)
    round_.set(Ellipse(0.0, 0.0, 12.0, 9.0, 0.7), 1.0)
    assert round_.pixels.sum() * 1.3**2 == pytest.approx(np.pi * 12 * 9, rel=0.02)


@given(key=st.text("abcdef", min_size=1, max_size=4), which=st.integers(0, len(RULES.measured) - 1), other=st.integers(0, len(SEEN) - 1))
@settings(max_examples=60, deadline=None)
def test_a_look_reads_what_the_whole_picture_says(key: str, which: int, other: int) -> None:
    code, region, window = list(RULES.measured)[which]
    name, where = SEEN[other]
    lesions = (Lesion(name, RULES.findings[name].seen[where].regions[0]),) if where == code else ()
    spec = Spec(code, lesions, "", key, key, 5)
    assert look(spec, region, window) == measure(draw(spec, view_of(code, region, window)), region, window)


# ---------------------------------------------------------------- keys


PRINT = """
import hashlib
from clinsim.hospital.drug_facts import PatientFacts
from clinsim.hospital.follow_up import follow_up
from clinsim.hospital.images import Lesion, Spec, draw
spec = Spec("XR_CHEST", (Lesion("pneumothorax", "left_upper"),), "", "P7", "S7", 11)
print(hashlib.sha256(draw(spec).pixels.tobytes()).hexdigest())
"""


def test_another_process_draws_the_same_pixels() -> None:
    spec = Spec("XR_CHEST", (Lesion("pneumothorax", "left_upper"),), "", "P7", "S7", 11)
    here = hashlib.sha256(draw(spec).pixels.tobytes()).hexdigest()
    done = subprocess.run([sys.executable, "-c", PRINT], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "77"})
    assert done.stdout.strip() == here


def test_the_patient_decides_the_anatomy_and_the_study_the_noise() -> None:
    first, again = draw(Spec("XR_CHEST", patient="a", study="1")), draw(Spec("XR_CHEST", patient="a", study="2"))
    other = draw(Spec("XR_CHEST", patient="b", study="1"))
    assert not np.array_equal(first.pixels, again.pixels)
    same = [abs(draw_size("a", i) - draw_size("a", i + 50)) for i in range(40)]
    unlike = [abs(draw_size(f"x{i}", i) - draw_size(f"y{i}", i)) for i in range(40)]
    assert fmean(same) < 0.9 * fmean(unlike)
    assert first.regions["right_lower"] != other.regions["right_lower"]


def draw_size(patient: str, study: int) -> float:
    return look(Spec("XR_CHEST", patient=patient, study=str(study)), "heart", "mediastinum")["width_ratio"]


def test_grades_of_quality_come_in_their_shares() -> None:
    grades = [quality_of(Spec("XR_CHEST", study=str(i))) for i in range(3000)]
    assert grades.count("good") / 3000 == pytest.approx(0.78, abs=0.03)
    assert set(grades) == {"good", "adequate", "limited"}


# ---------------------------------------------------------------- pictures as bytes, parts, change


def test_png_is_read_back_as_it_was_written() -> None:
    picture = windowed(draw(Spec("CT_HEAD")), "brain")
    back = matplotlib.image.imread(io.BytesIO(png(picture)))
    assert np.array_equal(np.round(back * 255).astype(np.uint8), picture)


def test_parts_grain_and_change() -> None:
    now = draw(shows("nodule", "XR_CHEST", "right_upper", "a", 15.0))
    before = draw(Spec("XR_CHEST", (Lesion("nodule", "right_upper", 9.0),), "", "a", "older"))
    change = next(item for item in compare(now, before) if (item.region, item.measure) == ("right_upper", "diameter_mm"))
    assert change.difference == pytest.approx(6.0, abs=1.0)
    assert crop(now, "right_upper").shape < now.pixels.shape
    assert crop(now, Box(-10.0, -10.0, 10.0, 10.0)).shape == (16, 16)
    poor = draw(Spec("XR_CHEST", (), "portable", "a", "a"))
    assert grain_of(poor).noise == pytest.approx(1.3 * grain_of(draw(Spec("XR_CHEST", (), "", "a", "a"))).noise, rel=0.08)


REFUSED = {
    "view": (lambda: draw(Spec("CT_HEAD"), "feet"), "CT_HEAD has no view 'feet'; allowed ganglia, fossa"),
    "window": (lambda: windowed(draw(Spec("CT_HEAD")), "lung"), "CT_HEAD has no window 'lung'; allowed brain"),
    "region": (lambda: crop(draw(Spec("CT_HEAD")), "knee"), "CT_HEAD ganglia has no region 'knee'; allowed "),
    "unlike": (lambda: compare(draw(Spec("CT_HEAD")), draw(Spec("XR_LIMB"))), "cannot be compared with XR_LIMB frontal"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_there_is_refused_by_name(case: str) -> None:
    ask, message = REFUSED[case]
    with pytest.raises(ToolError, match=message):
        ask()


# ---------------------------------------------------------------- quality and earlier studies in a look


def chest(number: int, *findings: Shown) -> Study:
    return Study(f"S{number}", f"P{number}", "XR_CHEST", "", 100.0, findings)


def test_the_archive_holds_what_is_old_and_not_what_is_new() -> None:
    found = [prior_of(chest(i, Shown("consolidation", "right_lower"), Shown("cardiomegaly", "heart")), STREAMS) for i in range(1500)]
    kept = [study for study in found if study is not None]
    assert len(kept) / 1500 == pytest.approx(RULES.archive.share, abs=0.05)
    names = [item.finding for study in kept for item in study.findings]
    assert "consolidation" not in names
    assert names.count("cardiomegaly") / len(kept) == pytest.approx(RULES.archive.chronic_share, abs=0.08)
    assert all(RULES.archive.from_days * 1440 <= 100.0 - study.minute <= RULES.archive.to_days * 1440 for study in kept)


def test_a_look_tells_quality_and_what_was_there_before() -> None:
    now = next(chest(i) for i in range(50) if prior_of(chest(i), STREAMS))
    facts = seen(now, "heart", "mediastinum", STREAMS)
    assert facts["measures"] == view(now, "heart", "mediastinum", STREAMS)
    assert set(facts["prior"]["measures"]) == {"width_ratio"}
    assert facts["quality"] in {"good", "adequate", "limited"}
    earlier = Study("S0", now.patient, "XR_CHEST", "", 40.0, ())
    assert seen(now, "heart", "mediastinum", STREAMS, earlier)["prior"]["days_ago"] == pytest.approx(60 / 1440, abs=0.06)
    assert "prior" not in seen(now, "heart", "bone", STREAMS), "nothing is measured there"


# ---------------------------------------------------------------- follow-up of a reported nodule

NODULES = {
    "small": (4.0, PatientFacts(age=60.0), "no follow-up"),
    "middle": (7.0, PatientFacts(age=60.0), "CT at 6 to 12 months"),
    "large": (12.0, PatientFacts(age=60.0), "CT at 3 months, PET-CT or biopsy"),
    "small in a smoker": (4.0, PatientFacts(age=60.0, problems=("copd",)), "CT at 12 months is optional"),
    "young": (12.0, PatientFacts(age=30.0), ""),
    "cancer": (12.0, PatientFacts(age=60.0, problems=("cancer",)), ""),
}


@pytest.mark.parametrize("case", NODULES)
def test_a_reported_nodule_asks_for_its_follow_up(case: str) -> None:
    size, who, advice = NODULES[case]
    said = [follow_up(study, [("nodule", "left_lower")], who, STREAMS) for study in nodules_of(size)]
    assert said, "some are of that size"
    assert all(advice in text and bool(text) == bool(advice) for text in said), said
    assert follow_up(chest(1), [("nodule", "left_lower")], who, STREAMS) == "", "not on a radiograph"


@cache
def nodules_of(size: float) -> list[Study]:
    """Studies in which a nodule measures about so much."""
    many = [Study(f"S{i}", f"P{i}", "CT_PULMONARY", "standard", 0.0, (Shown("nodule", "left_lower"),)) for i in range(250)]
    return [study for study in many if abs(view(study, "left_lower", "lung", STREAMS)["diameter_mm"] - size) < 0.5]


# ---------------------------------------------------------------- from sign to report

SHEET = (("XR_CHEST", "consolidation", "", 0.75),)
LOOKS = tuple((region, "lung") for region in ("right_upper", "right_lower", "left_upper", "left_lower"))


def test_what_the_guideline_finds_is_about_what_the_modality_shows() -> None:
    sick = [found_by_guideline(shown(SHEET, 1.0, "XR_CHEST", STREAMS, f"sick{i}"), f"sick{i}") for i in range(110)]
    well = [found_by_guideline((), f"well{i}") for i in range(110)]
    # drawn in 75 of 100 and read in 80 to 90 of those
    assert 0.55 <= fmean(sick) <= 0.80
    assert fmean(well) <= 0.15


def found_by_guideline(truth: tuple[Shown, ...], key: str) -> bool:
    study = Study(key, key, "XR_CHEST", "standard", 0.0, truth)
    return "consolidation" in findings("XR_CHEST", {place: seen(study, *place, STREAMS) for place in LOOKS})


CLOSE, FAR = {"width_ratio": 0.516}, {"width_ratio": 0.60}
HEART = ("heart", "mediastinum")


def test_the_guideline_is_less_sure_close_to_a_limit_and_takes_what_was_there_before_for_anatomy() -> None:
    assert certainty("XR_CHEST", {HEART: {"measures": CLOSE}}) < certainty("XR_CHEST", {HEART: {"measures": FAR}})
    assert findings("XR_CHEST", {HEART: {"measures": FAR, "prior": {"measures": FAR}}}) == {"cardiomegaly": "heart"}, "it may be old"
    wide = {"central_width_mm": 90.0}
    place = ("mediastinum", "mediastinum")
    assert findings("XR_CHEST", {place: {"measures": wide}}) == {"wide_mediastinum": "mediastinum"}
    assert findings("XR_CHEST", {place: {"measures": wide, "prior": {"measures": wide}}}) == {}
