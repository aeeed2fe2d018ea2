"""Settlement: every arrived patient's expected utility loss at 30 days, under stated default care from where the team left off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clinsim.hospital import nursing
from clinsim.hospital.arrivals import true_disposition
from clinsim.hospital.patients import Patient
from clinsim.hospital.physiology import Course, outcome

if TYPE_CHECKING:
    from clinsim.hospital.hospital import Hospital

HOUR = 60.0
AT_HOME = frozenset({"home", "left_unseen"})


def settle_all(hospital: Hospital) -> None:
    """Settle everybody who has not been settled, in order of arrival."""
    for patient in hospital.patients.values():
        if not patient.settled:
            settle(hospital, patient, "in_hospital")


def settle(hospital: Hospital, patient: Patient, how: str) -> None:
    """Log the expected outcome of a patient who leaves as `how` (home, left_unseen, died), or is still in hospital."""
    if patient.settled:
        return
    patient.settled = True
    patient.course.advance(hospital.now)
    hospital.truth("settled", patient.id, hospital.tape.once(lambda: _outcome(hospital, patient, how)))


def _outcome(hospital: Hospital, patient: Patient, how: str) -> dict[str, Any]:
    care, now = hospital.rules.default_care, hospital.now
    weaned = how in AT_HOME and true_disposition(patient, now) != "home"
    reached = outcome(patient.course, now, care_from(hospital, patient, how, now), weaned=weaned)
    extra = patient.extra_loss + care.pain_loss_per_hour * patient.pain_hours + bed_loss(hospital, patient)
    extra += care.icu_boarding_loss_per_hour * icu_boarding_hours(hospital, patient)
    loss = min(1.0, reached.loss + extra)
    bare = patient.course.bare()
    pain = care.pain_loss_per_hour * untreated_pain_hours(hospital, bare)
    return {
        "p_death": round(reached.p_death, 6),
        "p_disability": round(reached.p_disability, 6),
        "loss": round(loss, 6),
        "loss_untreated": round(patient.untreated.loss + pain, 6),
        "loss_idle": round(idle_loss(hospital, bare) + pain, 6),
        "loss_optimal": round(patient.optimal.loss, 6),
        "how": how,
        "contributors": dict.fromkeys(sorted(patient.contributors), 1.0),
        "owner": patient.chart.owner,
        "pain_hours": round(patient.pain_hours, 3),
        "origin": patient.origin,
        "condition": patient.condition.id,
    }


def icu_boarding_hours(hospital: Hospital, patient: Patient) -> float:
    """Hours that a patient who needs intensive care has waited for its bed, those still waiting included."""
    if true_disposition(patient, hospital.now) != "icu":
        return 0.0
    waiting = hospital.now - patient.bed_wanted_at if patient.bed_wanted_at >= 0 and patient.wanted_unit != "ward" else 0.0
    return patient.icu_wait_hours + waiting / 60.0


def untreated_pain_hours(hospital: Hospital, bare: Course) -> float:
    """Hours that a patient of this bare course would have been in uncontrolled pain: to default care, if it hurt at the door."""
    hurts = bare.true_sign("pain", bare.arrived_at) >= nursing.PAIN_THAT_COUNTS
    return hospital.rules.default_care.in_hospital_hours if hurts else 0.0


def care_from(hospital: Hospital, patient: Patient, how: str, now: float) -> float | None:
    """The minute from which those who take over give essential treatment; the dead get none."""
    care = hospital.rules.default_care
    if how == "died":
        return None
    if how in AT_HOME:
        return now + care.at_home_hours * HOUR
    return max(now, patient.arrived_at + care.in_hospital_hours * HOUR)


def bed_loss(hospital: Hospital, patient: Patient) -> float:
    """What a needless bed, or a needless intensive-care bed, costs the patient beyond the course."""
    care, to, needed = hospital.rules.default_care, patient.chart.disposition, true_disposition(patient, hospital.now)
    if patient.origin != "ed" or to not in hospital.rules.units or needed == to:
        return 0.0
    if to == "icu":
        return care.unnecessary_icu_loss
    return care.unnecessary_bed_loss if needed == "home" else 0.0


def idle_loss(hospital: Hospital, bare: Course) -> float:
    """Loss had nobody decided anything: the bare course, with default care at its usual hour."""
    starts_at = bare.arrived_at + hospital.rules.default_care.in_hospital_hours * HOUR
    return outcome(bare, bare.arrived_at, starts_at).loss
