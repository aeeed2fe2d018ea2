"""The emergency department: from the door through triage, waiting and a place to wherever the patient goes next."""

from __future__ import annotations

from math import inf, log
from typing import TYPE_CHECKING

from clinsim.hospital import nursing, wards
from clinsim.hospital.assignment import announce
from clinsim.hospital.leaving import leave
from clinsim.hospital.patients import Patient
from clinsim.hospital.sampling import minutes_of

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

    from clinsim.hospital.hospital import Hospital
    from clinsim.hospital.pool import Turn

WAITING = "waiting_room"
REGISTRATION = "registration"
"""Stage of its own where the hospital has it: a desk between triage and waiting room, without a queue."""
REGISTERED_AT_THE_BEDSIDE = 2
"""Levels up to this one pass the registration desk by (ESI handbook: immediate bedding)."""


def visit(hospital: Hospital, patient: Patient) -> ProcessGenerator:
    """Door, triage, waiting room, a place, and onwards when somebody decides."""
    yield from triage(hospital, patient)
    turn = yield from wait_for_place(hospital, patient)
    if turn is None:
        return
    nursing.start_standing_orders(hospital, patient)
    announce(hospital, patient)
    outcome = yield patient.move
    if outcome in hospital.rules.units:
        yield from wards.board(hospital, patient, str(outcome), turn)
        return
    yield from go_when_back(hospital, patient)
    turn.leave()
    leave(hospital, patient, str(outcome))


def triage(hospital: Hospital, patient: Patient) -> ProcessGenerator:
    """A triage nurse sees the patient and sets a level; ambulances and the visibly sick go first. Then registration, where it takes its own time."""
    first = 0 if patient.true_esi == 1 else 1 if patient.chart.arrival_mode == "ambulance" else 2
    with hospital.pools["triage_nurse"].request(first) as turn:
        yield turn
        minutes = minutes_of(hospital, "triage", patient.id)
        yield hospital.clock.timeout(minutes if patient.true_esi > 1 else min(minutes, 1.0))
    if patient.gone:
        return
    patient.chart.esi = triage_level(hospital, patient)
    hospital.note("triage", patient.id, {"esi": patient.chart.esi, "by": "triage_nurse"})
    nursing.add_note(hospital, patient, "triage", "triage_nurse", patient.presentation.triage_note)
    nursing.chart_vitals(hospital, patient, "triage_nurse")
    nursing.start_observations(hospital, patient)
    if REGISTRATION in hospital.rules.stages and patient.chart.esi > REGISTERED_AT_THE_BEDSIDE:
        yield hospital.clock.timeout(minutes_of(hospital, REGISTRATION, patient.id))


def triage_level(hospital: Hospital, patient: Patient) -> int:
    """The level that the nurse sets: the true one, one too high a number (under-triage) or one too low (over-triage) at published rates.

    Source: Sax et al., JAMA Netw Open 2023 (3.3 % under-triage, 28.9 % over-triage); rates stand in the hospital file.
    """
    rule, key = hospital.rules.triage, hospital.streams.uniform("triage", patient.person.id)
    if key < rule.under:
        return min(5, patient.true_esi + 1)
    if key > 1.0 - rule.over:
        return max(1 if patient.true_esi == 1 else 2, patient.true_esi - 1)
    return patient.true_esi


def zone_for(hospital: Hospital, patient: Patient) -> str:
    """The pool of places for the level; a full resuscitation room sends on to an acute place."""
    zone = hospital.rules.triage.zone_by_esi[patient.chart.esi or 3]
    pool = hospital.pools[zone]
    return "acute" if zone == "resus" and pool.busy >= pool.units else zone


def wait_for_place(hospital: Hospital, patient: Patient) -> ProcessGenerator:
    """Wait for a place by level and arrival; leave unseen when patience ends; queue anew when the level changes.

    Returns the granted turn, or None when the patient went from the waiting room.
    """
    move_to(hospital, patient, WAITING, "waiting")
    announce(hospital, patient)
    deadline = hospital.now + patience(hospital, patient)
    while True:
        zone = zone_for(hospital, patient)
        turn: Turn = hospital.pools[zone].request(patient.chart.esi or 3)
        events = [turn, patient.move, patient.requeue]
        if deadline > hospital.now and deadline != inf:
            events.append(hospital.clock.timeout(deadline - hospital.now, "tired"))
        yield hospital.clock.first_of(*events)
        if patient.move.triggered:
            turn.leave()
            yield from leave_waiting_room(hospital, patient)
            return None
        if turn.triggered:
            yield from hospital_walk(hospital, patient, zone)
            return turn
        turn.leave()
        if patient.requeue.triggered:
            patient.requeue = hospital.clock.event()
        elif patient.seen_by:
            deadline = inf
        else:
            leave(hospital, patient, "left_unseen")
            return None


def leave_waiting_room(hospital: Hospital, patient: Patient) -> ProcessGenerator:
    """Somebody decided before there was a place: go home, or board in the corridor until a bed is free."""
    outcome = str(patient.move.value)
    if outcome in hospital.rules.units:
        yield from wards.board(hospital, patient, outcome, None)
        return
    yield from go_when_back(hospital, patient)
    leave(hospital, patient, outcome)


def hospital_walk(hospital: Hospital, patient: Patient, zone: str) -> ProcessGenerator:
    """Walk from the waiting room to the place."""
    with patient.presence.request() as body:
        yield body
        yield hospital.clock.timeout(hospital.walks[WAITING, hospital.rules.pools[zone].location])
        if not patient.gone:
            move_to(hospital, patient, zone, "in_department")
            nursing.start_observations(hospital, patient)


def go_when_back(hospital: Hospital, patient: Patient) -> ProcessGenerator:
    """Wait until the patient is not away at a scanner or in theatre."""
    with patient.presence.request() as body:
        yield body


def move_to(hospital: Hospital, patient: Patient, place: str, status: str) -> None:
    """Write down where the patient now is."""
    hospital.note("place", patient.id, {"from": patient.chart.place, "to": place, "unit": patient.chart.unit})
    patient.chart.place = patient.zone = place
    patient.chart.status = status


def patience(hospital: Hospital, patient: Patient) -> float:
    """Minutes that this patient would wait unseen: some for ever, the others by a Weibull law.

    Source: hospital file (Shaikh 2012 for those who would never leave; shape and scale fitted to about 2 % leaving unseen).
    """
    rule = hospital.rules.patience
    stays = patient.chart.esi in rule.stays_at_esi or patient.chart.arrival_mode == "ambulance"
    if stays or hospital.streams.uniform("patience", patient.person.id, 0) < rule.never_leave:
        return inf
    return float(rule.scale * (-log(hospital.streams.uniform("patience", patient.person.id, 1))) ** (1.0 / rule.shape))
