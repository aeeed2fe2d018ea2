"""What doctors ask for: seeing, ordering, judging, moving patients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.errors import ToolError
from clinsim.hospital import grading, laboratory, nursing, pharmacy
from clinsim.hospital.charts import OrderLine
from clinsim.hospital.effects import breach
from clinsim.hospital.leaving import withdraw
from clinsim.hospital.ordering import line_of, place
from clinsim.hospital.patients import Patient
from clinsim.hospital.reconciliation import write_list
from clinsim.record import Actor, Order, Receipt

if TYPE_CHECKING:
    from clinsim.hospital.hospital import Hospital


def _patient(hospital: Hospital, order: Order) -> Patient:
    return hospital.patients[order.subject]


def may_claim(hospital: Hospital, actor: Actor, order: Order) -> None:
    """A patient who has an owner stays with the owner."""
    owner = hospital.charts[order.subject].owner
    if owner:
        raise ToolError(f"{order.subject} is {owner}'s patient; ask for a hand_over")


def claim(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """The doctor answers for the patient from now on."""
    hospital.charts[order.subject].owner = actor.agent
    hospital.listed[order.subject] = hospital.patients[order.subject]
    hospital.note("claim", order.subject, {"by": actor.agent})
    return Receipt(order.subject, "claimed", f"you answer for {order.subject}")


def hand_over(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """A colleague answers for the patient from now on, with a written summary; what was seen is handed over with it."""
    patient = _patient(hospital, order)
    for known in (patient.seen_by, patient.examined_by):
        if actor.agent in known:
            known.add(order.to)
    patient.chart.owner = order.to
    nursing.add_note(hospital, patient, "handover", actor.agent, order.text)
    hospital.note("hand_over", patient.id, {"by": actor.agent, "to": order.to})
    hospital.tell(order.to, "handover", patient.id, order.text, urgent=True, patient=patient.id, sender=actor.agent)
    return Receipt(patient.id, "handed over", f"{order.to} answers for {patient.id}")


def _seen(hospital: Hospital, patient: Patient, agent: str) -> None:
    if agent not in patient.seen_by:
        patient.seen_by.add(agent)
        hospital.truth("work", patient.id, {"agent": agent, "what": "seen"})
    if patient.chart.seen_at is None:
        patient.chart.seen_at = hospital.now
        hospital.note("seen", patient.id, {"by": agent})


def history(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """What the patient says, and it is written down."""
    patient = _patient(hospital, order)
    told = patient.presentation.history
    facts = dict(told) if order.code == "all" else {order.code: told.get(order.code, "nothing to report")}
    _seen(hospital, patient, actor.agent)
    for topic, text in facts.items():
        nursing.add_note(hospital, patient, "history", actor.agent, f"{topic}: {text}")
    if "drugs" in facts:
        write_list(hospital, patient, actor.agent)
    return Receipt(patient.id, "done", "history taken", facts)


def examine(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """What is found on examination, and it is written down."""
    patient = _patient(hospital, order)
    found = patient.presentation.examination
    facts = dict(found) if order.code == "all" else {order.code: found.get(order.code, "nothing abnormal")}
    _seen(hospital, patient, actor.agent)
    patient.examined_by.add(actor.agent)
    for region, text in facts.items():
        nursing.add_note(hospital, patient, "examination", actor.agent, f"{region}: {text}")
    return Receipt(patient.id, "done", "examined", facts)


def measure(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """A set of vital signs is taken now."""
    charted = nursing.chart_vitals(hospital, _patient(hospital, order), actor.agent)
    return Receipt(order.subject, "done", "measured", {name: getattr(charted, name) for name in nursing.VITALS})


def observe(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Nurses chart vital signs at this interval from the next set on."""
    hospital.charts[order.subject].observe_every = float(order.amount or 0.0)
    return Receipt(order.subject, "done", f"observations every {order.amount:g} minutes")


def may_order(hospital: Hospital, actor: Actor, order: Order) -> None:
    """The same thing is not ordered twice while the first is open."""
    for oid in hospital.charts[order.subject].orders:
        line = hospital.desk.orders[oid]
        is_open = line.state in ("placed", "protocolled", "to_verify", "queried", "verified", "dispensed", "scanning", "collected")
        if is_open and line.code == order.code and line.kind == order.kind:
            raise ToolError(f"{order.code} is already on its way for {order.subject} ({line.id}, {line.state}); cancel it first")


def _placed(hospital: Hospital, actor: Actor, order: Order, kind: str) -> Receipt:
    line = place(hospital, _patient(hospital, order), line_of(hospital, order, actor.agent, kind))
    return Receipt(line.id, line.state, f"{order.code} ordered, {order.priority}")


def order_test(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Order a test."""
    return _placed(hospital, actor, order, "test")


def order_imaging(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Order imaging."""
    return _placed(hospital, actor, order, "imaging")


def order_procedure(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Order a procedure."""
    patient = _patient(hospital, order)
    _unseen_breach(hospital, patient, actor, order.code)
    return _placed(hospital, actor, order, "procedure")


def order_consult(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Ask a consultant."""
    return _placed(hospital, actor, order, "consult")


def order_drug(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Order a drug; treating unseen, and overriding for what is no emergency drug, are unsafe acts."""
    patient = _patient(hospital, order)
    _unseen_breach(hospital, patient, actor, order.code)
    if order.flag and not hospital.knowledge.formulary.drugs[order.code].emergency:
        breach(hospital, patient, actor.agent, "override_without_emergency", f"{order.code} by override is no emergency drug")
    elif order.flag and not patient.condition.has_use_for(order.code):
        breach(hospital, patient, actor.agent, "override_without_need", f"{order.code} by override in a patient who has no use for it")
    elif order.flag and patient.true_esi > 1 and not (patient.chart.results or patient.chart.reports):
        text = f"{order.code} by override before any result in a patient who could wait for one"
        breach(hospital, patient, actor.agent, "override_without_result", text)
    return _placed(hospital, actor, order, "drug")


def _unseen_breach(hospital: Hospital, patient: Patient, actor: Actor, code: str) -> None:
    if not patient.seen_by:
        breach(hospital, patient, actor.agent, "treated_unseen", f"{code} without having seen the patient")


def _order_line(hospital: Hospital, order: Order) -> OrderLine:
    return hospital.desk.orders[order.subject]


def amend(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Answer the pharmacist's query: the order goes back to the list with this dose."""
    line = _order_line(hospital, order)
    line.amount, line.query, line.text = order.amount, "", order.text
    laboratory.set_state(hospital, line, "to_verify", actor.agent)
    pharmacy.tell_pharmacists(hospital, line, "new_order")
    return Receipt(line.id, line.state, f"{line.code} now {line.amount:g} {line.unit}")


def cancel(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Take back an order that has not been carried out."""
    line = _order_line(hospital, order)
    withdraw(hospital, line.id)
    if line.state != "cancelled":
        laboratory.set_state(hospital, line, "cancelled", actor.agent)
    release(hospital, line)
    return Receipt(line.id, "cancelled", f"{line.code} cancelled")


def release(hospital: Hospital, line: OrderLine) -> None:
    """Let the pathway of an order go on to see what was decided."""
    event = hospital.releases.get(line.id)
    if event is not None and not event.triggered:
        event.succeed()


def stop(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Stop a drug that is running."""
    patient = _patient(hospital, order)
    patient.course.stop(order.code, hospital.now)
    for oid in patient.chart.orders:
        line = hospital.desk.orders[oid]
        if line.kind == "drug" and line.code == order.code and line.state == "given":
            laboratory.set_state(hospital, line, "stopped", actor.agent)
    patient.current_drugs = [drug for drug in patient.current_drugs if drug != order.code]
    patient.chart.home_drugs = tuple(drug for drug in patient.chart.home_drugs if drug != order.code)
    return Receipt(patient.id, "stopped", f"{order.code} stopped")


def retriage(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Set a new triage level; in the waiting room the queue is joined anew."""
    patient = _patient(hospital, order)
    esi = int(order.amount or 3)
    patient.chart.esi = esi
    hospital.note("retriage", patient.id, {"esi": esi, "by": actor.agent})
    grading.grade_retriage(hospital, patient, actor.agent, esi)
    if patient.zone == "waiting_room" and not patient.requeue.triggered:
        patient.requeue.succeed()
    return Receipt(patient.id, "retriaged", f"ESI {esi}")


def differential(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Write down what it may be, with probabilities."""
    patient = _patient(hospital, order)
    patient.chart.differential = order.items
    hospital.note("differential", patient.id, {"by": actor.agent, "items": dict(order.items)})
    grading.grade_differential(hospital, patient, actor.agent, order.items)
    return Receipt(patient.id, "recorded", "differential recorded")


def diagnosis(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Write down the working diagnosis."""
    patient = _patient(hospital, order)
    patient.chart.diagnosis = order.code
    hospital.note("diagnosis", patient.id, {"code": order.code, "by": actor.agent})
    grading.grade_diagnosis(hospital, patient, actor.agent, order.code)
    return Receipt(patient.id, "recorded", hospital.knowledge.diagnoses[order.code])


def may_move(hospital: Hospital, actor: Actor, order: Order) -> None:
    """A patient who is about to move moves first."""
    if _patient(hospital, order).move.triggered:
        raise ToolError(f"{order.subject} is already on the way; look again in a few minutes")
    if hospital.charts[order.subject].esi is None:
        raise ToolError(f"{order.subject} has not been triaged yet")


def may_go_home(hospital: Hospital, actor: Actor, order: Order) -> None:
    """Nobody goes home from the scanner."""
    may_move(hospital, actor, order)
    patient = _patient(hospital, order)
    if patient.away_at:
        raise ToolError(f"{patient.id} is away at {patient.away_at}; wait until the patient is back")


def _decide(hospital: Hospital, actor: Actor, order: Order, to: str) -> Receipt:
    patient = _patient(hospital, order)
    patient.chart.disposition = to
    hospital.note("disposition", patient.id, {"to": to, "by": actor.agent})
    grading.grade_disposition(hospital, patient, actor.agent, to)
    nursing.add_note(hospital, patient, "medical", actor.agent, order.text)
    patient.move.succeed(to)
    return Receipt(patient.id, "decided", f"{patient.id}: {to}")


def admit(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Ask for a bed; the patient boards until there is one."""
    return _decide(hospital, actor, order, order.code)


def transfer(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Ask for a bed in another unit."""
    return _decide(hospital, actor, order, order.code)


def discharge(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Send home with advice."""
    return _decide(hospital, actor, order, "home")
