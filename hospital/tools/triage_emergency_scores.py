"""Tools of the domain `triage_emergency` that work something out: triage level, sepsis, injury, chest pain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clinsim.hospital.calculators.declaration import Given
from clinsim.hospital.records.clinical import LabResult
from clinsim.hospital.records.laboratory_names import of_test
from clinsim.hospital.records.triage import TriagePatient
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.readings import said
from clinsim.hospital.tools.scoring import ScoreAnswer, as_number, laboratory_facts, score
from clinsim.hospital.tools.triage_emergency import SET, patient_of
from clinsim.hospital.tools.triage_judgement import WORST_PAIN, Judgement, facts_of, judge, story
from clinsim.record import ROLES
from clinsim.tooling import tool

_chart = tool(SET, roles=ROLES, service="chart", tags=("read",))
TYPICAL = ("crushing", "pressure", "squeezing", "radiating", "diaphoresis", "sweating", "left arm", "jaw", "exertion")
"""Words of a story that is suspicious of the heart: two make it highly so. Source: Fanaroff, JAMA 2015;314:1955 (features by likelihood ratio)."""
ECG_WORDS = {"st elevation": "ST deviation", "st depression": "ST deviation", "t wave": "nonspecific repolarisation",
             "bundle branch": "nonspecific repolarisation", "sinus rhythm": "normal", "no st change": "normal"}  # fmt: skip
"""What the words of an ECG mean for the HEART score, the gravest first."""
RISKS = ("hypertension", "hyperlipidemia", "hypercholesterol", "diabetes", "obesity", "smoker", "family history of")
UPPER = re.compile(r"-\s*(\d+(?:\.\d+)?)\s*$")
"""The upper end of a range as charted, for example `0-0.04`."""


@dataclass(frozen=True, slots=True)
class EsiAnswer:
    """A suggested level with what it rests on; the nurse decides."""

    patient_id: str
    suggested_esi_level: int | None
    reasoning: str
    esi_factors: Judgement
    expected_resources: int
    note: str
    source: str


@dataclass(frozen=True, slots=True)
class SepsisScreen:
    """Signs of infection with the two scores, and the lactate if one came of an order."""

    patient_id: str
    suspected_infection: Sequence[str]
    sirs: ScoreAnswer
    qsofa: ScoreAnswer
    lactate: str
    risk_level: str
    recommendation: str
    source: str = "Evans, Intensive Care Med 2021;47:1181 (Surviving Sepsis Campaign)"


def results_of(world: RecordWorld, who: TriagePatient) -> tuple[LabResult, ...]:
    """Results that came of tests ordered in this episode."""
    seen = {test_id for change in world.wrote("test", who.patient_id) for test_id in change.data["results"]}
    return tuple(row for row in who.held_results if row.test_id in seen)


@_chart
def calculate_esi_level(world: RecordWorld, patient_id: str) -> EsiAnswer:
    """Suggest a triage level by the Emergency Severity Index from complaint and vital signs.

    Args:
        patient_id: Patient, for example ED001.
    """
    who = patient_of(world, patient_id)
    seen = judge(who)
    findings = {
        "lifesaving": bool(seen.immediate),
        "high_risk": bool(seen.high_risk),
        "new_confusion": bool(seen.confused),
        "severe_distress": who.pain_score >= WORST_PAIN,
        "resources": float(len(seen.resources)),
        "uptriage": False,
    }
    found = score(patient_id, "esi", facts_of(who) | findings)
    level = int(found.value) if isinstance(found.value, (int, float)) else None
    note = "A suggestion from words and signs: look at the patient, severe pain (7 and above) and danger-zone signs are yours to judge."
    return EsiAnswer(patient_id, level, found.interpretation, seen, len(seen.resources), note, found.source)


@_chart
def calculate_sirs_criteria(world: RecordWorld, patient_id: str) -> ScoreAnswer:
    """Work out the SIRS criteria; without a white cell count on record it is counted as normal and named as missing.

    Args:
        patient_id: Patient, for example ED001.
    """
    return sirs_of(world, patient_of(world, patient_id))


def sirs_of(world: RecordWorld, who: TriagePatient) -> ScoreAnswer:
    """SIRS from signs and results so far: at least that many points, if white cells are not known."""
    facts = facts_of(who) | laboratory_facts((row.test_name, row.value, row.unit) for row in results_of(world, who))
    if "white_cells" in facts:
        return score(who.patient_id, "sirs", facts)
    found = score(who.patient_id, "sirs", facts | laboratory_facts([("white cells", 8.0, "10^9/L")]))
    text = f"at least {found.value:g}: white cells are not known" if isinstance(found.value, (int, float)) else found.interpretation
    return ScoreAnswer(
        found.subject, found.calculator, found.value, found.unit, text, found.components, found.inputs, (*found.missing, "white_cells"), found.source
    )


@_chart
def calculate_qsofa(world: RecordWorld, patient_id: str) -> ScoreAnswer:
    """Work out qSOFA from the signs at the door.

    Args:
        patient_id: Patient, for example ED001.
    """
    return score(patient_id, "qsofa", facts_of(patient_of(world, patient_id)))


@_chart
def screen_sepsis(world: RecordWorld, patient_id: str) -> SepsisScreen:
    """Screen for sepsis: words of infection, SIRS, qSOFA, and the lactate if it was ordered.

    Args:
        patient_id: Patient, for example ED001.
    """
    who = patient_of(world, patient_id)
    infection = judge(who).infection
    sirs, qsofa = sirs_of(world, who), score(patient_id, "qsofa", facts_of(who))
    lactates = of_test("lactate", results_of(world, who))
    lactate = f"{lactates[-1].value} {lactates[-1].unit}" if lactates else "not measured"
    high = bool(infection) and (_points(qsofa) >= 2 or who.triage_vitals.systolic_bp < 90)
    raised = bool(infection) and _points(sirs) >= 2
    risk = "high" if high else "moderate" if raised else "low"
    advice = {
        "high": "Act as in sepsis: cultures, lactate, antibiotics within the hour, fluid if hypotensive.",
        "moderate": "Measure lactate and look for organ dysfunction; antibiotics within three hours if sepsis is possible.",
        "low": "No ground for sepsis from signs and words; look again if anything changes.",
    }
    return SepsisScreen(patient_id, infection, sirs, qsofa, lactate, risk, advice[risk])


def _points(found: ScoreAnswer) -> float:
    return float(found.value) if isinstance(found.value, (int, float)) else 0.0


@_chart
def calculate_trauma_score(world: RecordWorld, patient_id: str, mechanism: str) -> ScoreAnswer:
    """Work out the Revised Trauma Score of an injured patient.

    Args:
        patient_id: Patient, for example ED001.
        mechanism: How it happened, in words; it does not enter the score.
    """
    written("mechanism", mechanism)
    return score(patient_id, "revised_trauma_score", facts_of(patient_of(world, patient_id)))


@_chart
def calculate_heart_score(world: RecordWorld, patient_id: str) -> ScoreAnswer:
    """Work out HEART of chest pain; ECG and troponin count once they have come of an order, and are named as missing before.

    Args:
        patient_id: Patient, for example ED001.
    """
    who = patient_of(world, patient_id)
    rows = results_of(world, who)
    words = said(story(who), TYPICAL)
    history = ("slightly suspicious", "moderately suspicious", "highly suspicious")[min(2, len(words))]
    past = " ; ".join(who.medical_history)
    facts: dict[str, Given] = {
        "history": history,
        "ecg": _ecg(rows),
        "troponin": _times_upper_limit(rows),
        "risk_factors": float(len(said(past, RISKS))),
        "known_atherosclerosis": bool(said(past, ("coronary", "infarction", "stroke", "peripheral arter", "stent"))),
    }
    return score(patient_id, "heart", {**facts_of(who), **{name: value for name, value in facts.items() if value is not None}})


def _ecg(rows: Sequence[LabResult]) -> str | None:
    text = " ".join(row.value.lower() for row in of_test("ecg", rows))
    return next((meaning for word, meaning in ECG_WORDS.items() if word in text), None)


def _times_upper_limit(rows: Sequence[LabResult]) -> float | None:
    for row in reversed(of_test("troponin", rows)):
        value, limit = as_number(row.value), UPPER.search(row.reference_range)
        if value is not None and limit and float(limit[1]) > 0:
            return value / float(limit[1])
    return None
