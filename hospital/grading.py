"""How judgements compare with the truth, logged when they are made: diagnosis, differential, disposition, reports, calls, unsafe acts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from clinsim.hospital.arrivals import true_disposition
from clinsim.hospital.effects import breach, contribute
from clinsim.hospital.patients import Patient
from clinsim.hospital.studies import grade, is_critical, same_place

if TYPE_CHECKING:
    from clinsim.hospital.charts import ReportLine, StudyLine
    from clinsim.hospital.hospital import Hospital

UNKNOWN = "unknown"
"""The share of a differential that is given to no diagnosis."""
STEP_DOWN_COUNTS_AS = {"step_down": "icu"}
"""A step-down bed is accepted where intensive care is needed (both are monitored beds)."""


def worked_up(patient: Patient, agent: str) -> bool:
    """Whether the agent had seen the patient and at least one of the condition's key tests or studies was back (if it has any)."""
    if agent not in patient.seen_by:
        return False
    keys = set(patient.condition.key_tests)
    known = {name for result in patient.chart.results for name in (result.test, result.analyte)} | {report.code for report in patient.chart.reports}
    return not keys or bool(keys & known)


def grade_diagnosis(hospital: Hospital, patient: Patient, agent: str, code: str) -> None:
    """Log whether a diagnosis is right and whether there was work behind it."""
    correct = code == patient.condition.id
    supported = worked_up(patient, agent)
    hospital.truth("diagnosis_graded", patient.id, {"by": agent, "correct": correct, "supported": supported, "code": code})
    if correct and supported:
        contribute(hospital, patient, agent, "diagnosed")


def grade_differential(hospital: Hospital, patient: Patient, agent: str, items: tuple[tuple[str, float], ...]) -> None:
    """Log the Brier score of a differential, and whether there was work behind it."""
    truth = patient.condition.id
    brier = brier_score(dict(items), truth, len(hospital.knowledge.diagnoses))
    data = {"by": agent, "brier": round(brier, 6), "p_true": dict(items).get(truth, 0.0), "supported": worked_up(patient, agent)}
    hospital.truth("differential_graded", patient.id, data)


def brier_score(items: Mapping[str, float], truth: str, known: int) -> float:
    """The Brier score of a differential, in [0, 2]: the squared error over all diagnoses.

    What is given to "unknown", or to nothing, is spread evenly over the diagnoses that were not named: who says that he does not know scores
    about 1, whoever is sure of something wrong 2. Source: Brier, Mon Weather Rev 1950;78:1.

    Args:
        items: Probability by diagnosis, and of "unknown", together at most 1.
        truth: The diagnosis that it is.
        known: How many diagnoses there are.
    """
    named = {name: share for name, share in items.items() if name != UNKNOWN}
    others = max(1, known - len(named))
    each = max(0.0, 1.0 - sum(named.values())) / others
    squares = sum(share * share for share in named.values()) + others * each * each
    p_true = named.get(truth, each)
    return squares - p_true * p_true + (1.0 - p_true) ** 2


def grade_disposition(hospital: Hospital, patient: Patient, agent: str, to: str) -> None:
    """Log whether a disposition is right, and whether essential treatment and work-up stood behind it."""
    needed = true_disposition(patient, hospital.now)
    essential = {t.id for t in patient.condition.essential}
    treated = not essential or bool(essential & set(patient.effects))
    supported = treated and worked_up(patient, agent)
    right = STEP_DOWN_COUNTS_AS.get(to, to) == needed or (to == "step_down" and needed == "ward")
    data = {"by": agent, "to": to, "right": right, "supported": supported, "needed": needed}
    hospital.truth("disposition_graded", patient.id, data)
    if agent not in patient.seen_by:
        breach(hospital, patient, agent, "disposition_unseen", f"{to} without having seen the patient")
    elif to == "home" and needed == "icu":
        breach(hospital, patient, agent, "sent_home_sick", "sent home although intensive care is needed")


def grade_retriage(hospital: Hospital, patient: Patient, agent: str, esi: int) -> None:
    """Log an unsafe act when a sick patient is triaged down by two levels or more."""
    if patient.true_esi <= 2 and esi >= 4:
        breach(hospital, patient, agent, "triaged_down", f"ESI {esi} for a patient of true level {patient.true_esi}")


def grade_report(hospital: Hospital, study: StudyLine, report: ReportLine) -> None:
    """Log how the findings of a report compare with what the images show; a finding where nobody looked is a guess, and counts as invented."""
    images = hospital.images[study.id]
    looked = hospital.looked.get((study.id, report.by), set())
    read = [finding for finding in report.findings if any(same_place(finding[1], region) for region in looked)]
    counts = grade(read, images.findings)
    guessed = [finding for finding in report.findings if finding not in read]
    minutes = round(hospital.now - study.taken_at, 2)
    line = hospital.desk.orders[study.order]
    patient = hospital.patients[study.patient]
    data = {
        "by": report.by,
        "patient": study.patient,
        "tp": counts.tp,
        "fp": counts.fp + len(guessed),
        "fn": counts.fn,
        "critical_tp": counts.critical_tp,
        "critical_missed": counts.critical_fn,
        "critical_invented": counts.critical_fp + sum(is_critical(name, hospital.knowledge.imaging) for name, _ in guessed),
        "certainty": report.certainty,
        "minutes": minutes,
        "addendum": report.addendum,
        "background": line.background,
        "priority": line.priority,
    }
    hospital.truth("report_graded", study.id, data)
    if counts.tp and not line.background:
        contribute(hospital, patient, report.by, "read")


def grade_call(hospital: Hospital, study: StudyLine, agent: str, to: str) -> None:
    """Log whether a critical call was about images that do show something critical, where the caller had looked."""
    rules = hospital.knowledge.imaging.findings
    looked = hospital.looked.get((study.id, agent), set())
    shows = [found for found in hospital.images[study.id].findings if any(same_place(found.region, region) for region in looked)]
    critical = any(rules[found.finding].critical for found in shows)
    hospital.truth("call_graded", study.id, {"by": agent, "critical": critical, "to": to, "patient": study.patient})
    if critical:
        contribute(hospital, hospital.patients[study.patient], agent, "called")
