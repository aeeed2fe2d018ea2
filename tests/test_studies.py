"""Images: what shows, what is measured, how reports are graded, who must not have a protocol."""

import math
from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.condition_file import load_conditions
from clinsim.errors import ScenarioError, ToolError
from clinsim.hospital.drug_checks import PatientFacts
from clinsim.hospital.streams import Streams
from clinsim.hospital.studies import Grade, Shown, Study, grade, load_imaging, review_protocol, same_place, shown, view
from clinsim.imaging_file import Appearance, Imaging
from clinsim.scenario_file import checked, read_data

STREAMS = Streams(20)
APPEARANCES = [(name, code) for name, finding in load_imaging().findings.items() for code in finding.seen]


def images(key: str, code: str, *findings: Shown, protocol: str = "") -> Study:
    return Study(key, "P0001", code, protocol, 0.0, findings)


def protocol_of(look: Appearance) -> str:
    return look.protocols[0] if look.protocols else ""


# ---------------------------------------------------------------- what is measured


def likelihood(look: Appearance) -> Callable[[dict[str, float]], float]:
    """The best reading of a view for one finding: log likelihood ratio over all its measures."""
    measures = load_imaging().measures
    pairs = [
        (name, NormalDist(spread.mean, spread.sd), NormalDist(measures[name].absent.mean, measures[name].absent.sd))
        for name, spread in look.present.items()
    ]

    def ratio(values: dict[str, float]) -> float:
        return sum(math.log(there.pdf(values[name]) + 1e-300) - math.log(absent.pdf(values[name]) + 1e-300) for name, there, absent in pairs)

    return ratio


def area_under_curve(without: list[float], present: list[float]) -> float:
    """Share of pairs in which the image with the finding reads higher; ties count half."""
    ranked = sorted([(value, 0) for value in without] + [(value, 1) for value in present])
    wins, below = 0.0, 0
    for _, group in groupby(ranked, key=itemgetter(0)):
        kinds = [kind for _, kind in group]
        positives, negatives = sum(kinds), len(kinds) - sum(kinds)
        wins += positives * (below + negatives / 2.0)
        below += negatives
    return wins / (len(without) * len(present))


@pytest.mark.parametrize(("finding", "code"), APPEARANCES)
def test_one_view_separates_well_but_never_perfectly(finding: str, code: str) -> None:
    look = load_imaging().findings[finding].seen[code]
    region, protocol = look.regions[0], protocol_of(look)
    reading = likelihood(look)
    empty = [view(images(f"e{i}", code, protocol=protocol), region, look.window, STREAMS) for i in range(500)]
    there = [view(images(f"t{i}", code, Shown(finding, region), protocol=protocol), region, look.window, STREAMS) for i in range(500)]
    area = area_under_curve([reading(values) for values in empty], [reading(values) for values in there])
    # the area that 500 against 500 estimate has a standard error of about 0.004
    assert 0.95 <= area <= 0.998
    exact = separation(look)
    assert 0.95 <= exact <= 0.995


def separation(look: Appearance) -> float:
    """Area under the curve of the best linear reading: normal, with the distances of the measures adding as squares."""
    measures = load_imaging().measures
    distances = (
        (spread.mean - measures[name].absent.mean) ** 2 / (spread.sd**2 + measures[name].absent.sd ** 2) for name, spread in look.present.items()
    )
    return NormalDist().cdf(math.sqrt(sum(distances)))


def test_the_area_of_known_lists() -> None:
    assert area_under_curve([1, 2], [3, 4]) == 1.0
    assert area_under_curve([3, 4], [1, 2]) == 0.0
    assert area_under_curve([1, 3], [2, 2]) == 0.5
    assert area_under_curve([1, 1], [1, 1]) == 0.5


def test_looking_again_gives_the_same_numbers_and_another_study_others() -> None:
    study = images("S0001", "XR_CHEST", Shown("consolidation", "right_lower"))
    first = view(study, "right_lower", "lung", STREAMS)
    assert first == view(study, "right_lower", "lung", Streams(20))
    assert first != view(images("S0002", "XR_CHEST", *study.findings), "right_lower", "lung", STREAMS)
    assert first != view(study, "left_lower", "lung", STREAMS)
    same_key = Study("S0009", "P0001", "XR_CHEST", "", 50.0, study.findings, key="S0001")
    assert first == view(same_key, "right_lower", "lung", STREAMS)


def test_a_finding_elsewhere_or_in_the_wrong_window_changes_nothing() -> None:
    with_it = images("S0001", "XR_CHEST", Shown("pneumothorax", "left_upper"))
    without = images("S0001", "XR_CHEST")
    rule = load_imaging().studies["XR_CHEST"]
    looks = [(region, window) for region in rule.regions for window in rule.windows]
    changed = [look for look in looks if view(with_it, *look, STREAMS) != view(without, *look, STREAMS)]
    assert changed == [("left_upper", "lung")]


def test_a_protocol_that_does_not_show_a_finding_hides_it() -> None:
    stone = Shown("ureteric_stone", "left_ureter")
    assert view(images("S1", "CT_ABDOMEN", stone, protocol="standard"), "left_ureter", "bone", STREAMS) == view(
        images("S1", "CT_ABDOMEN", protocol="standard"), "left_ureter", "bone", STREAMS
    )
    plain = view(images("S1", "CT_ABDOMEN", stone, protocol="plain"), "left_ureter", "bone", STREAMS)
    assert plain["peak_attenuation_hu"] != view(images("S1", "CT_ABDOMEN", protocol="plain"), "left_ureter", "bone", STREAMS)["peak_attenuation_hu"]
    embolus = Shown("filling_defect", "pulmonary_arteries")
    contrast = view(images("S2", "CT_PULMONARY", embolus), "pulmonary_arteries", "vessels", STREAMS)
    bare = view(images("S2", "CT_PULMONARY", embolus, protocol="plain"), "pulmonary_arteries", "vessels", STREAMS)
    assert contrast != bare
    assert bare == view(images("S2", "CT_PULMONARY", protocol="plain"), "pulmonary_arteries", "vessels", STREAMS)


def test_a_poorer_technique_is_noisier() -> None:
    def spread(protocol: str) -> float:
        values = [view(images(f"n{i}", "XR_CHEST", protocol=protocol), "heart", "mediastinum", STREAMS)["width_ratio"] for i in range(400)]
        mean = sum(values) / len(values)
        return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))

    assert spread("portable") == pytest.approx(1.3 * spread("standard"), rel=0.02)


def test_two_findings_in_one_place_add_up() -> None:
    both = [
        view(
            images(f"b{i}", "XR_CHEST", Shown("consolidation", "right_lower"), Shown("pleural_effusion", "right_lower")),
            "right_lower",
            "lung",
            STREAMS,
        )
        for i in range(400)
    ]
    mean = sum(values["opacity_fraction"] for values in both) / len(both)
    # 0.10 where nothing is, 0.26 with the one and 0.15 with the other
    assert mean == pytest.approx(0.31, abs=0.01)


def test_no_measure_names_a_finding() -> None:
    rules = load_imaging()
    words = {word for name in rules.findings for word in name.split("_")}
    for measure in rules.measures:
        assert not words & set(measure.split("_")), measure


def test_every_finding_can_be_measured_where_it_is_and_two_share_a_measure() -> None:
    rules = load_imaging()
    for finding in rules.findings.values():
        for code, look in finding.seen.items():
            for region in look.regions:
                assert set(look.present) <= set(rules.measured[code, region, look.window])
    assert "opacity_fraction" in rules.findings["pleural_effusion"].seen["XR_CHEST"].present


def test_a_region_or_window_that_is_not_there_is_refused_with_what_is() -> None:
    study = images("S0001", "XR_CHEST")
    with pytest.raises(ToolError, match=r"XR_CHEST has no region 'knee'; allowed right_upper, "):
        view(study, "knee", "lung", STREAMS)
    with pytest.raises(ToolError, match=r"XR_CHEST has no window 'brain'; allowed lung, "):
        view(study, "heart", "brain", STREAMS)


# ---------------------------------------------------------------- what shows


SIGNS = (
    ("XR_CHEST", "consolidation", "right_lower", 0.8),
    ("XR_CHEST", "pleural_effusion", "", 0.3),
    ("CT_PULMONARY", "consolidation", "right_lower", 1.0),
)


def test_signs_show_with_their_sensitivity() -> None:
    n = 4_000
    studies = [shown(SIGNS, 0.6, "XR_CHEST", STREAMS, f"P{i}") for i in range(n)]
    with_consolidation = sum(Shown("consolidation", "right_lower") in found for found in studies)
    with_effusion = sum("pleural_effusion" in {item.finding for item in found} for found in studies)
    assert with_consolidation / n == pytest.approx(0.8, abs=0.02)
    # 0.3, and 1 % of the rest by chance
    assert with_effusion / n == pytest.approx(0.307, abs=0.022)
    sides = {item.region for found in studies for item in found if item.finding == "pleural_effusion"}
    assert sides == {"right_lower", "left_lower"}


def test_a_barely_begun_illness_shows_less() -> None:
    sure = (("CT_PULMONARY", "consolidation", "right_lower", 1.0),)
    half = load_imaging().full_size_from / 2.0
    seen = [bool({i.finding for i in shown(sure, half, "CT_PULMONARY", STREAMS, f"P{k}")} & {"consolidation"}) for k in range(2_000)]
    assert sum(seen) / len(seen) == pytest.approx(0.5, abs=0.035)
    assert "consolidation" not in {item.finding for item in shown(sure, 0.0, "CT_PULMONARY", STREAMS, "P1")}


@given(key=st.text(max_size=8), low=st.floats(0, 1), high=st.floats(0, 1))
def test_what_shows_stays_as_severity_grows(key: str, low: float, high: float) -> None:
    low, high = min(low, high), max(low, high)
    early, late = (shown(SIGNS, x, "XR_CHEST", STREAMS, key) for x in (low, high))
    assert {item.finding for item in early} <= {item.finding for item in late}


def test_incidental_findings_come_at_their_base_rates_and_are_never_critical() -> None:
    rules = load_imaging()
    n = 5_000
    for code in ("CT_PULMONARY", "US_ABDOMEN"):
        seen = [item.finding for i in range(n) for item in shown((), 0.5, code, STREAMS, f"Q{i}")]
        for name, finding in rules.findings.items():
            share = finding.incidental.get(code, 0.0)
            assert seen.count(name) / n == pytest.approx(share, abs=4.0 * math.sqrt(share / n) + 1e-9), (code, name)
            assert not (share and finding.critical)


def test_condition_sheets_name_what_a_study_can_show() -> None:
    rules = load_imaging()
    unknown = [
        (condition.id, line.study, line.finding, line.region)
        for condition in load_conditions().values()
        for line in condition.imaging
        if not can_show(rules, line.study, line.finding, line.region)
    ]
    assert unknown == []


def can_show(rules: Imaging, study: str, finding: str, region: str) -> bool:
    look = rules.findings[finding].seen.get(study) if finding in rules.findings else None
    return look is not None and (not region or any(same_place(region, place) for place in look.regions))


# ---------------------------------------------------------------- reports


PNEUMONIA = (Shown("consolidation", "right_lower"), Shown("pleural_effusion", "right_lower"))
STROKE = (Shown("haemorrhage", "basal_ganglia"),)
GRADES: dict[str, tuple[tuple[tuple[str, str], ...], tuple[Shown, ...], Grade, float]] = {
    "all found": ((("consolidation", "right_lower"), ("pleural_effusion", "right_lower")), PNEUMONIA, Grade(2, 0, 0, 0, 0), 1.0),
    "one missed": ((("consolidation", "right_lower"),), PNEUMONIA, Grade(1, 0, 1, 0, 0), 2 / 3),
    "one invented": ((("haemorrhage", "basal_ganglia"), ("hypodensity", "left_hemisphere")), STROKE, Grade(1, 1, 0, 1, 0), 2 / 3),
    "critical one missed": ((), STROKE, Grade(0, 0, 1, 0, 1), 0.0),
    "wrong side": ((("consolidation", "left_lower"),), PNEUMONIA[:1], Grade(0, 1, 1, 0, 0), 0.0),
    "both sides for one": ((("consolidation", "both_lower"),), PNEUMONIA[:1], Grade(1, 0, 0, 0, 0), 1.0),
    "no place": ((("consolidation", ""),), PNEUMONIA[:1], Grade(1, 0, 0, 0, 0), 1.0),
    "said twice": ((("haemorrhage", "basal_ganglia"),) * 2, STROKE, Grade(1, 0, 0, 1, 0), 1.0),
    "said of two places": ((("haemorrhage", "basal_ganglia"), ("haemorrhage", "ventricles")), STROKE, Grade(1, 1, 0, 1, 0), 2 / 3),
    "normal and said so": ((), (), Grade(0, 0, 0, 0, 0), 1.0),
    "no finding at all": ((("dragon", "skull"),), (), Grade(0, 1, 0, 0, 0), 0.0),
}


@pytest.mark.parametrize("case", GRADES)
def test_reports_are_graded(case: str) -> None:
    reported, truth, counts, f1 = GRADES[case]
    assert grade(reported, truth) == counts
    assert grade(reported, truth).f1 == pytest.approx(f1)


@given(st.lists(st.sampled_from([*PNEUMONIA, *STROKE]), max_size=6), st.lists(st.sampled_from([*PNEUMONIA, *STROKE]), max_size=3, unique=True))
def test_every_finding_is_counted_once(reported: list[Shown], truth: list[Shown]) -> None:
    counts = grade(reported, truth)
    assert counts.tp + counts.fn == len(truth)
    assert counts.tp + counts.fp == len(set(reported))
    assert 0.0 <= counts.f1 <= 1.0


# ---------------------------------------------------------------- protocols


PROTOCOLS = {
    "contrast at 25, elective": ("CT_ABDOMEN", "standard", PatientFacts(egfr=25.0), {"CONTRAST_RENAL": "significant"}),
    "contrast at 25, emergency": ("CT_PULMONARY", "standard", PatientFacts(egfr=25.0), {"CONTRAST_RENAL": "note"}),
    "contrast at 30": ("CT_ABDOMEN", "standard", PatientFacts(egfr=30.0), {}),
    "no contrast at 25": ("CT_ABDOMEN", "plain", PatientFacts(egfr=25.0), {}),
    "the usual one is with contrast": ("CT_ABDOMEN", "", PatientFacts(egfr=25.0), {"CONTRAST_RENAL": "significant"}),
    "earlier reaction": ("CTA_HEAD", "standard", PatientFacts(allergies=("contrast:urticaria",)), {"CONTRAST_ALLERGY": "significant"}),
    "metformin, good kidneys": ("CT_ABDOMEN", "standard", PatientFacts(egfr=80.0, current_drugs=("metformin",)), {}),
    "metformin, poor kidneys": (
        "CTA_HEAD",
        "standard",
        PatientFacts(egfr=20.0, current_drugs=("metformin",)),
        {"CONTRAST_RENAL": "note", "METFORMIN": "note"},
    ),
    "pregnant, abdomen": ("CT_ABDOMEN", "plain", PatientFacts(pregnant=True), {"RADIATION": "significant"}),
    "pregnant, chest": ("CT_PULMONARY", "standard", PatientFacts(pregnant=True), {"RADIATION": "note"}),
    "pregnant, ultrasound": ("US_ABDOMEN", "", PatientFacts(pregnant=True), {}),
    "pacemaker": ("MRI_HEAD", "", PatientFacts(problems=("pacemaker",)), {"MAGNET": "serious"}),
}


@pytest.mark.parametrize("case", PROTOCOLS)
def test_protocols_are_reviewed(case: str) -> None:
    code, protocol, who, expected = PROTOCOLS[case]
    findings = review_protocol(code, protocol, who)
    assert {finding.code: finding.severity for finding in findings} == expected
    assert all((finding.harm_loss == 0.0) == (finding.severity == "note") for finding in findings)


# ---------------------------------------------------------------- the file


def test_scan_and_reading_times_are_those_of_the_sources() -> None:
    studies = load_imaging().studies
    assert {code: rule.room_minutes for code, rule in studies.items()} == {
        "XR_CHEST": 8, "XR_LIMB": 8, "CT_HEAD": 15, "CTA_HEAD": 30, "CT_PULMONARY": 30,
        "CT_ABDOMEN": 30, "US_ABDOMEN": 25, "US_RENAL": 25, "MRI_HEAD": 35,
    }  # fmt: skip
    assert [studies[code].reading_minutes for code in ("CT_HEAD", "CT_PULMONARY", "CT_ABDOMEN", "XR_CHEST")] == [16, 15.8, 17.9, 2.5]


def with_change(*path: str, value: Any) -> Any:
    raw = read_data("imaging.yaml")
    at = raw
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return raw


WRONG = {
    "unknown region": (("findings", "nodule", "seen", "XR_CHEST", "regions"), ["knee"], "unknown knee; allowed right_upper"),
    "unknown window": (("findings", "nodule", "seen", "XR_CHEST", "window"), "brain", "unknown brain; allowed lung"),
    "unknown measure": (("findings", "nodule", "seen", "XR_CHEST", "present"), {"luck": {"mean": 1, "sd": 1}}, "unknown luck; allowed"),
    "unknown protocol": (("findings", "nodule", "seen", "XR_CHEST", "protocols"), ["wish"], "unknown wish; allowed standard"),
    "no standard protocol": (("studies", "XR_LIMB", "protocols"), {"wish": {"title": "x", "room_minutes": 1, "noise": 1}}, "allowed wish"),
    "no spread": (("measures", "cavity_mm", "absent", "sd"), 0, r"measures\.cavity_mm\.absent\.sd"),
    "no time": (("studies", "XR_LIMB", "reading_minutes"), -1, r"studies\.XR_LIMB\.reading_minutes"),
    "unknown field": (("studies", "XR_LIMB", "colour"), "grey", r"studies\.XR_LIMB\.colour"),
    "unknown modality": (("studies", "XR_LIMB", "modality"), "dowsing", "'radiograph', 'ct'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_refused_by_name_of_file_and_field(case: str) -> None:
    path, value, message = WRONG[case]
    with pytest.raises(ScenarioError, match=message) as refusal:
        checked(Imaging, with_change(*path, value=value), "imaging.yaml")
    assert str(refusal.value).startswith("imaging.yaml: ")
