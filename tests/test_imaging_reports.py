"""How reports are graded, who must not have a protocol, and the file of studies and findings."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.errors import ScenarioError
from clinsim.hospital.drug_facts import PatientFacts
from clinsim.hospital.studies import Grade, Shown, grade, load_imaging, review_protocol
from clinsim.imaging_file import Imaging
from clinsim.scenario_file import checked, read_data

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
    "said of two places": ((("haemorrhage", "basal_ganglia"), ("haemorrhage", "ventricles")), STROKE, Grade(1, 1, 0, 1, 0, 1), 2 / 3),
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
