"""Wards and intensive care: boarding, beds, deterioration, step-down, discharge; and what wards send to pharmacy and radiology."""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING

from clinsim.hospital import nursing
from clinsim.hospital.arrivals import admit_to_hospital, chosen
from clinsim.hospital.assignment import announce
from clinsim.hospital.leaving import check_end, leave
from clinsim.hospital.patients import Patient
from clinsim.hospital.sampling import draw, minutes_of

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

    from clinsim.hospital.hospital import Hospital
    from clinsim.hospital.pool import Turn

RAPID_RESPONSE_UNIT = "icu"
INTENSIVE = frozenset({"icu", "step_down"})
INTENSIVE_CARE = "icu_care"
"""The code under which condition sheets know what a monitored bed does by itself."""


def board(hospital: Hospital, patient: Patient, unit: str, place: Turn | None) -> ProcessGenerator:
    """Board where the patient lies until a bed of the unit is free, then move there; whoever is in the old place makes room."""
    wanted = unit
    while True:
        want_bed(hospital, patient, wanted)
        bed = hospital.pools[hospital.rules.units[wanted].beds].request(1 if wanted == RAPID_RESPONSE_UNIT else 2)
        patient.move = hospital.clock.event()
        yield hospital.clock.first_of(bed, patient.move)
        if not patient.move.triggered:
            yield from arrange(hospital, patient, wanted)
        if bed.triggered and not patient.move.triggered:
            break
        bed.leave()
        wanted = str(patient.move.value)
        if wanted not in hospital.rules.units:
            yield from leave_from_boarding(hospital, patient, place, wanted)
            return
    yield from to_bed(hospital, patient, wanted, place)
    yield from stay(hospital, patient, wanted, bed)


def arrange(hospital: Hospital, patient: Patient, unit: str) -> ProcessGenerator:
    """A bed that is free takes its time all the same: it is assigned, the patient is reported to the unit and fetched."""
    minutes = minutes_of(hospital, "bed_assignment", f"{patient.person.id}.{unit}")
    if minutes:
        yield hospital.clock.first_of(patient.move, hospital.clock.timeout(minutes))


def want_bed(hospital: Hospital, patient: Patient, unit: str) -> None:
    """Write down that a bed is wanted."""
    patient.wanted_unit = unit
    if patient.bed_wanted_at < 0:
        patient.bed_wanted_at = hospital.now
    if not patient.chart.unit:
        patient.chart.status = "boarding"
    hospital.note("bed_request", patient.id, {"unit": unit})
    refresh_beds(hospital)


def leave_from_boarding(hospital: Hospital, patient: Patient, place: Turn | None, how: str) -> ProcessGenerator:
    """The plan changed while boarding: home after all, or dead."""
    with patient.presence.request() as body:
        yield body
    if place is not None:
        place.leave()
    leave(hospital, patient, how)


def to_bed(hospital: Hospital, patient: Patient, unit: str, place: Turn | None) -> ProcessGenerator:
    """A porter takes the patient to the bed; the old place is free once the patient has gone from it."""
    location = hospital.rules.pools[hospital.rules.units[unit].beds].location
    with patient.presence.request() as body:
        yield body
        with hospital.pools["porter"].request(1) as porter:
            yield porter
            yield hospital.clock.timeout(hospital.walks["ed", location])
        if place is not None:
            place.leave()
        if patient.gone:
            return
        chart = patient.chart
        if chart.owner and not chart.unit:
            pass_on(hospital, patient, unit)
        hospital.note("place", patient.id, {"from": chart.place, "to": unit, "unit": unit})
        chart.place = patient.zone = chart.unit = unit
        chart.status, patient.wanted_unit = "inpatient", ""
        unit_care(hospital, patient, unit)
        nursing.start_observations(hospital, patient)
    boarded = hospital.now - patient.bed_wanted_at
    hospital.note("bed", patient.id, {"unit": unit, "boarded_minutes": round(boarded, 2)})
    if unit in INTENSIVE:
        patient.icu_wait_hours += boarded / 60.0
    patient.bed_wanted_at = -1.0
    refresh_beds(hospital)
    check_end(hospital)


def pass_on(hospital: Hospital, patient: Patient, unit: str) -> None:
    """The unit's own team answers for a patient who comes from the emergency department."""
    chart = patient.chart
    hospital.tell(chart.owner, "bed_ready", patient.id, f"{patient.id} is in {unit}", quiet=True, patient=patient.id)
    hospital.note("hand_over", patient.id, {"by": chart.owner, "to": unit})
    chart.owner = ""
    hospital.listed.pop(patient.id, None)


def unit_care(hospital: Hospital, patient: Patient, unit: str) -> None:
    """Monitored units bring their care with the bed; it ends when the patient moves to the ward."""
    if unit in INTENSIVE:
        patient.course.treat(INTENSIVE_CARE, hospital.now)
    else:
        patient.course.stop(INTENSIVE_CARE, hospital.now)


def stay(hospital: Hospital, patient: Patient, unit: str, bed: Turn) -> ProcessGenerator:
    """Stay in the bed until discharge, transfer or death; that stays hurry when a unit is full is left out (a simplification)."""
    if patient.gone:
        bed.leave()
        return
    yield from until(hospital, patient, unit, bed, draw(hospital.streams, hospital.rules.units[unit].stay, f"stay_{unit}", patient.person.id))


def rest_of_stay(hospital: Hospital, patient: Patient, unit: str) -> float:
    """What is left of the stay of somebody who is met at a random moment: long stays are met more often, and at any point of them.

    A stay that is met is drawn in proportion to its length; of a lognormal one that shifts the logarithm by the square of its sigma.
    """
    rule = hospital.rules.units[unit]
    minutes = draw(hospital.streams, rule.stay, f"stay_{unit}", patient.person.id)
    if not rule.under_way:
        return minutes
    whole = minutes * exp(rule.stay.sigma**2) if rule.stay.sigma is not None else minutes
    return whole * hospital.streams.uniform(f"left_{unit}", patient.person.id)


def until(hospital: Hospital, patient: Patient, unit: str, bed: Turn, minutes: float) -> ProcessGenerator:
    """Stay for so many minutes, unless something else is decided before."""
    yield hospital.clock.first_of(patient.move, hospital.clock.timeout(minutes))
    if patient.move.triggered and str(patient.move.value) in hospital.rules.units:
        yield from transfer(hospital, patient, str(patient.move.value), bed)
        return
    if not patient.move.triggered and unit == RAPID_RESPONSE_UNIT:
        yield from transfer(hospital, patient, "ward", bed)
        return
    how = str(patient.move.value) if patient.move.triggered else "home"
    yield from leave_bed(hospital, patient, bed, how)


def leave_bed(hospital: Hospital, patient: Patient, bed: Turn, how: str) -> ProcessGenerator:
    """Leave the hospital from a bed."""
    with patient.presence.request() as body:
        yield body
    leave(hospital, patient, how)
    bed.leave()
    refresh_beds(hospital)


def transfer(hospital: Hospital, patient: Patient, unit: str, bed: Turn) -> ProcessGenerator:
    """From one unit to another, keeping the old bed until the new one is free."""
    yield from board(hospital, patient, unit, bed)


def rapid_response(hospital: Hospital, patient: Patient) -> None:
    """A patient on the ward is worse: the ward asks for an intensive-care bed, and tells the doctor who answers for the patient."""
    if patient.chart.unit == RAPID_RESPONSE_UNIT or patient.wanted_unit == RAPID_RESPONSE_UNIT or patient.move.triggered:
        return
    if patient.chart.owner:
        hospital.tell(patient.chart.owner, "deteriorated", patient.id, "deteriorating on the ward", urgent=True, patient=patient.id)
        return
    patient.move.succeed(RAPID_RESPONSE_UNIT)


def refresh_beds(hospital: Hospital) -> None:
    """Bring the bed board up to date: occupied, staffed, waiting by unit."""
    for unit, rule in hospital.rules.units.items():
        pool = hospital.pools[rule.beds]
        hospital.desk.beds[unit] = (pool.busy, pool.units, pool.queue)


# ---------------------------------------------------------------- who is there at the start


def open_wards(hospital: Hospital) -> None:
    """Lay down the scenario's own inpatients, and fill the units as full as they usually are; some of those get worse."""
    given = [(number, patient) for number, patient in enumerate(hospital.scenario.file.patients) if patient.unit]
    for number, patient in given:
        announce(hospital, lay_down(hospital, chosen(hospital, patient, number), patient.unit, f"g{number}", "ed"))
    for unit, rule in hospital.rules.units.items():
        free = hospital.rules.pools[rule.beds].units - sum(patient.unit == unit for _, patient in given)
        count = min(free, round(rule.occupied * hospital.rules.pools[rule.beds].units))
        for number in range(count):
            key = f"i.{unit}.{number}"
            worse = hospital.streams.uniform("inpatient", key) < rule.deteriorating_share
            lay_down(hospital, "inpatient_deteriorating" if worse else "inpatient_recovering", unit, key, "inpatient")
    refresh_beds(hospital)


def lay_down(hospital: Hospital, condition: str, unit: str, key: str, origin: str) -> Patient:
    """Put a patient into a bed at the start."""
    patient = admit_to_hospital(hospital, condition, key, origin, ambulance=False, unit=unit)
    bed = hospital.pools[hospital.rules.units[unit].beds].request(0)
    chart = patient.chart
    chart.esi, chart.place, chart.unit, chart.status = 3, unit, unit, "inpatient"
    patient.zone = unit
    nursing.add_note(hospital, patient, "triage", "nurse", patient.presentation.triage_note)
    nursing.chart_vitals(hospital, patient, "nurse")
    hospital.clock.process(until(hospital, patient, unit, bed, rest_of_stay(hospital, patient, unit)))
    nursing.start_observations(hospital, patient)
    return patient


# ---------------------------------------------------------------- what wards send to pharmacy and radiology


def ward_orders(hospital: Hospital) -> ProcessGenerator:
    """Ward doctors prescribe for inpatients; some orders carry an error (a keyed slip), some of those matter."""
    from clinsim.hospital.background import prescribe

    per_hour = hospital.rules.background.prescriptions_per_hour
    for number in range(10**9):
        if per_hour == 0.0:
            return
        yield hospital.clock.timeout(hospital.streams.exponential(60.0 / per_hour, "ward", "prescription", number))
        prescribe(hospital, number)


def ward_studies(hospital: Hospital) -> ProcessGenerator:
    """Ward patients are imaged by the ward's own technicians; the images come to the same reading list."""
    from clinsim.hospital.background import take_images

    per_hour = hospital.rules.background.studies_per_hour
    for number in range(10**9):
        if per_hour == 0.0:
            return
        yield hospital.clock.timeout(hospital.streams.exponential(60.0 / per_hour, "ward", "study", number))
        take_images(hospital, number)
