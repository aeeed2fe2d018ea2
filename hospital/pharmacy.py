"""The pharmacy: an order is verified, dispensed, given by a nurse; an emergency override is given at once and checked afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clinsim.hospital import laboratory, nursing
from clinsim.hospital.charts import OrderLine
from clinsim.hospital.effects import findings_on, give
from clinsim.hospital.patients import Patient
from clinsim.hospital.safety import total_loss
from clinsim.hospital.sampling import minutes_of
from clinsim.record import PLACE_IN_QUEUE

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

    from clinsim.hospital.hospital import Hospital

OPEN_TO_PHARMACY = frozenset({"to_verify", "queried"})
PRESCRIBER_MINUTES = {"queried": 4.0, "rejected": 6.0, "changed": 1.0}
"""Minutes of the prescriber that a decision costs: to answer, to order anew, to read (assumption).

A query to a doctor of the episode also takes that doctor's own minutes on the clock; a ward doctor's are counted here only.
"""


@dataclass(frozen=True, slots=True)
class OrderError:
    """What is wrong with a drug order: code of the worst error (empty: none), whether it matters, expected utility loss if it is given."""

    code: str
    significant: bool = False
    loss: float = 0.0


def medication(hospital: Hospital, patient: Patient, line: OrderLine) -> ProcessGenerator:
    """Verify, dispense, give; or, by override, give from the cabinet and check afterwards."""
    log_truth(hospital, patient, line)
    if line.override:
        yield from from_cabinet(hospital, patient, line)
        return
    put_on_list(hospital, line)
    released = hospital.releases[line.id]
    yield hospital.clock.first_of(released, hospital.clock.timeout(hospital.rules.background.verification_patience))
    if line.state in OPEN_TO_PHARMACY:
        release_unverified(hospital, line)
    if line.state != "verified" or patient.gone:
        return
    place = PLACE_IN_QUEUE[line.priority]
    with hospital.pools["dispensary"].request(place) as turn:
        yield turn
        yield hospital.clock.timeout(minutes_of(hospital, "dispense", laboratory.line_key(patient, line)))
    if line.state != "verified" or patient.gone:
        return
    laboratory.set_state(hospital, line, "dispensed", "dispensary")
    yield hospital.clock.timeout(minutes_of(hospital, "deliver", laboratory.line_key(patient, line)))
    yield from at_the_bedside(hospital, patient, line)


def from_cabinet(hospital: Hospital, patient: Patient, line: OrderLine) -> ProcessGenerator:
    """A nurse takes the drug from the emergency cabinet; the pharmacist checks afterwards."""
    laboratory.set_state(hospital, line, "dispensed", "override")
    yield from at_the_bedside(hospital, patient, line)
    if line.state == "given":
        line.to_check = True
        hospital.desk.to_verify.append(line.id)
        tell_pharmacists(hospital, line, "override_given")


def at_the_bedside(hospital: Hospital, patient: Patient, line: OrderLine) -> ProcessGenerator:
    """A nurse gives the drug."""
    yield from nursing.bedside_task(hospital, patient, hospital.rules.nursing.give, PLACE_IN_QUEUE[line.priority])
    if patient.gone or line.state != "dispensed":
        return
    line.done_at = hospital.now
    laboratory.set_state(hospital, line, "given", "nurse")
    give(hospital, patient, line)
    if line.by in hospital.staff:
        hospital.tell(
            line.by,
            "given",
            patient.id,
            f"{line.code} {line.amount:g} {line.unit} given",
            quiet=True,
            patient=patient.id,
            drug=line.code,
            order=line.id,
        )


def put_on_list(hospital: Hospital, line: OrderLine) -> None:
    """Put an order on the pharmacists' work list, by priority, then age."""
    line.state = "to_verify"
    pile = hospital.desk.to_verify
    pile.append(line.id)
    orders = hospital.desk.orders
    pile.sort(key=lambda oid: (PLACE_IN_QUEUE[orders[oid].priority], orders[oid].placed_at, oid))
    tell_pharmacists(hospital, line, "new_order")


def tell_pharmacists(hospital: Hospital, line: OrderLine, kind: str) -> None:
    """Tell the pharmacists on shift of an order; a stat order is urgent."""
    text = f"{line.code} {line.amount:g} {line.unit} {line.route}, {line.priority}"
    for staff in hospital.staff.values():
        if staff.role == "pharmacist" and staff.is_on_shift(hospital.now):
            urgent = line.priority == "stat" and kind == "new_order"
            hospital.tell(staff.agent, kind, line.id, text, urgent=urgent, order=line.id, patient=line.patient)


def release_unverified(hospital: Hospital, line: OrderLine) -> None:
    """Nobody has verified the order in time: the ward gives it as it stands."""
    grade(hospital, line, "unverified", "")
    hospital.desk.to_verify.remove(line.id)
    laboratory.set_state(hospital, line, "verified", "timeout")


def log_truth(hospital: Hospital, patient: Patient, line: OrderLine) -> None:
    """Log whether the order as placed carries an error, and whether that matters."""
    error = hospital.errors[line.id] = error_in(hospital, patient, line)
    data = {"patient": patient.id, "error": error.code, "significant": error.significant, "loss": error.loss, "background": line.background}
    hospital.truth("order_truth", line.id, data)


def error_in(hospital: Hospital, patient: Patient, line: OrderLine) -> OrderError:
    """What is wrong with a drug order as it stands."""
    harmful = findings_on(hospital, patient, line)
    if harmful:
        worst = max(harmful, key=lambda finding: finding.harm_loss)
        return OrderError(worst.code, True, round(total_loss(harmful), 6))
    return OrderError(hospital.slips.get(line.id, ""))


def grade(hospital: Hospital, line: OrderLine, verdict: str, by: str, error_before: OrderError | None = None) -> None:
    """Log how a pharmacist's decision compares with the truth, and the minutes that it costs the prescriber."""
    patient = hospital.patients[line.patient]
    error = error_before or error_in(hospital, patient, line)
    fixed = bool(error.code) and (verdict == "rejected" or (verdict == "changed" and not error_in(hospital, patient, line).significant))
    data = {"verdict": verdict, "by": by, "error": error.code, "significant": error.significant, "loss": error.loss, "fixed": fixed}
    data |= {"minutes": round(hospital.now - line.placed_at, 2), "doctor_minutes": PRESCRIBER_MINUTES.get(verdict, 0.0)}
    hospital.truth("order_graded", line.id, data | {"patient": line.patient, "background": line.background, "priority": line.priority})
