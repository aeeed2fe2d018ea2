"""What a drug or procedure does to the course, and the truth that is logged about it: benefits, harms, unsafe acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.hospital.charts import OrderLine
from clinsim.hospital.patients import Patient
from clinsim.hospital.safety import Finding, PatientFacts, in_unit_of

if TYPE_CHECKING:
    from clinsim.hospital.hospital import Hospital

DOSE_CODES = frozenset({"UNDERDOSE", "OVERDOSE", "UNIT"})
COURSE_CODES = frozenset({"DISEASE", "LAB"})
WRITING_CODES = frozenset({*DOSE_CODES, "ROUTE", "DAILY_DOSE"})
HARMFUL = frozenset({"significant", "serious"})
SERIOUS = frozenset({"serious"})


def facts_of(hospital: Hospital, patient: Patient) -> PatientFacts:
    """What the safety checks need to know of the patient: the true person and illness, and the last values on the chart."""
    return patient.reviews.facts(patient, hospital.now)


def findings_on(hospital: Hospital, patient: Patient, line: OrderLine) -> tuple[Finding, ...]:
    """The safety findings that matter on a drug order as it stands: where the illness needs the drug, only serious ones do.

    Need excuses a risk, but no wrong dose, unit or route.
    """
    return hospital.tape.once(lambda: _findings(hospital, patient, line))


def _findings(hospital: Hospital, patient: Patient, line: OrderLine) -> tuple[Finding, ...]:
    formulary = hospital.knowledge.formulary
    found = patient.reviews.of(patient, hospital.now, formulary.drugs[line.code], line.amount or 0.0, line.unit, line.route, formulary)
    enough = SERIOUS if patient.condition.has_use_for(line.code) else HARMFUL
    return tuple(finding for finding in found if finding.severity in (HARMFUL if finding.code in WRITING_CODES else enough))


def is_supported(patient: Patient, agent: str) -> bool:
    """Whether the prescriber had examined the patient before acting."""
    return agent in patient.examined_by


def give(hospital: Hospital, patient: Patient, line: OrderLine) -> None:
    """A nurse has given the drug: benefit, harm, and what is written down."""
    findings = findings_on(hospital, patient, line)
    facts = {"order": line.id, "drug": line.code, "amount": line.amount, "by": line.by, "verified_by": line.verified_by, "override": line.override}
    facts["antibiotic"] = hospital.knowledge.formulary.drugs[line.code].antibiotic
    hospital.note("given", patient.id, facts)
    dose_ok = not any(finding.code in DOSE_CODES for finding in findings)
    hurt = take_effect(hospital, patient, line, dose_ok)
    for finding in findings:
        if finding.code not in COURSE_CODES or not hurt:  # the course already accounts for what the drug does in this disease
            patient.extra_loss += finding.harm_loss
            log_harm(hospital, patient, line, finding.code, finding.harm_loss, finding.text)
    patient.current_drugs.append(line.code)
    amount = in_unit_of(hospital.knowledge.formulary.drugs[line.code], line.amount or 0.0, line.unit)
    patient.given.append((hospital.now, line.code, amount or 0.0))
    if not patient.condition.has_use_for(line.code) and not line.background and patient.origin == "ed":
        patient.extra_loss += hospital.rules.default_care.needless_drug_loss


def take_effect(hospital: Hospital, patient: Patient, line: OrderLine, dose_ok: bool) -> bool:
    """Let a drug or procedure act on the course; the known risk of a treatment that helps is a side effect, not a harm done.

    Returns:
        Whether the course was harmed.
    """
    triggered = [what.partition(":")[::2] for what in patient.course.treat(line.code, hospital.now, dose_ok, line.amount)]
    helps = [name for sort, name in triggered if sort == "helps"]
    for name in helps:
        benefit(hospital, patient, line, name)
    for name in (name for sort, name in triggered if sort == "harms"):
        if helps:
            hospital.truth("side_effect", patient.id, {"code": name, "order": line.id, "loss": event_loss(patient, name)})
        else:
            log_harm(hospital, patient, line, name, event_loss(patient, name), f"{line.code} in {patient.condition.id}")
    return not helps and any(sort == "harms" for sort, _ in triggered)


def benefit(hospital: Hospital, patient: Patient, line: OrderLine, treatment: str) -> None:
    """Log that a treatment which helps has begun, the first time."""
    if treatment in patient.effects:
        return
    patient.effects[treatment] = hospital.now
    rule = next(t for t in patient.condition.treatments if t.id == treatment)
    minutes = hospital.now - patient.arrived_at
    supported = is_supported(patient, line.by)
    on_time = rule.target_minutes is None or minutes <= rule.target_minutes
    data = {"treatment": treatment, "essential": rule.essential, "on_time": on_time, "minutes_from_arrival": round(minutes, 2)}
    data |= {"order": line.id, "by": line.by, "verified_by": line.verified_by, "override": line.override, "supported": supported}
    hospital.truth("effect", patient.id, data)
    if supported:
        contribute(hospital, patient, line.by, "treated")
        if line.verified_by:
            contribute(hospital, patient, line.verified_by, "verified")


def contribute(hospital: Hospital, patient: Patient, agent: str, what: str) -> None:
    """Log real work of an agent for this patient."""
    if agent not in hospital.staff or patient.contributors.get(agent) == what:
        return
    patient.contributors.setdefault(agent, what)
    hospital.truth("work", patient.id, {"agent": agent, "what": what})


def event_loss(patient: Patient, harm_id: str) -> float:
    """The utility loss stated for a harm's event; the course itself accounts for it at settlement."""
    rule = patient.course.harm_named(harm_id)
    return rule.event_loss.value if rule.event_loss else 0.0


def log_harm(hospital: Hospital, patient: Patient, line: OrderLine, code: str, loss: float, text: str) -> None:
    """Log a harm and who answers for it: the prescriber, and the pharmacist who verified it."""
    by = [agent for agent in (line.by, line.verified_by) if agent in hospital.staff]
    hospital.truth("harm", patient.id, {"code": code, "by": by, "order": line.id, "loss": loss, "text": text})


def breach(hospital: Hospital, patient: Patient, agent: str, code: str, text: str) -> None:
    """Log an unsafe act, whatever comes of it."""
    if agent in hospital.staff:
        hospital.truth("breach", patient.id, {"code": code, "by": agent, "text": text})
