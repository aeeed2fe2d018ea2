"""What runs by itself: bodies on their grid, capacity by hour, breakdowns, ends of shifts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.hospital import nursing
from clinsim.hospital.arrivals import MINUTES_PER_DAY
from clinsim.hospital.leaving import die
from clinsim.hospital.patients import Patient
from clinsim.hospital.physiology import GRID_MINUTES
from clinsim.hospital.pool import Pool
from clinsim.hospital.roster import HANDOVER_MINUTES, Staff
from clinsim.scenario_parts import EventRule

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

    from clinsim.hospital.hospital import Hospital


def bodies(hospital: Hospital) -> ProcessGenerator:
    """Watch everybody's course on the grid, as closely as its danger asks; who has borne too much dies there."""
    while True:
        yield hospital.clock.timeout(GRID_MINUTES)
        now = hospital.now
        for patient in list(hospital.present.values()):
            if now < patient.course.calm_until and not patient.course.heart.troubled:
                continue
            patient.course.advance(now)
            if not patient.course.heart.troubled:
                continue
            if patient.course.dies_by(now) is not None:
                die(hospital, patient)
            elif (patient.course.arrested_at(now) is not None) != patient.arrested:
                turn(hospital, patient)


def turn(hospital: Hospital, patient: Patient) -> None:
    """The heart stands still, or beats again: the doctor who answers for the patient hears it, or all; the crash team works by itself."""
    patient.arrested = not patient.arrested
    where = {"owner": patient.chart.owner, "place": patient.chart.place}
    if patient.arrested:
        hospital.note("arrest", patient.id, where)
    else:
        hospital.note("pulse_back", patient.id, where)
    text = "cardiac arrest, the crash team is at work" if patient.arrested else "pulse back after resuscitation"
    nursing.add_note(hospital, patient, "nursing", "crash_team", text)
    for staff in hospital.staff.values():
        if staff.role == "doctor" and staff.is_on_shift(hospital.now) and patient.chart.owner in ("", staff.agent):
            hospital.tell(staff.agent, "arrest", patient.id, f"{patient.id}: {text}", urgent=True, patient=patient.id)


def capacity_by_hour(hospital: Hospital, pool: Pool) -> ProcessGenerator:
    """Follow the staffing schedule of a pool around the day."""
    schedule = sorted(hospital.rules.pools[pool.name].schedule)
    hour = hospital.scenario.file.starts_at_hour
    current = [units for at, units in schedule if at <= hour] or [schedule[-1][1]]
    pool.resize(current[-1])
    while True:
        hour_now = (hospital.scenario.file.starts_at_hour + hospital.now / 60.0) % 24.0
        later = [(at - hour_now, units) for at, units in schedule if at > hour_now + 1e-9]
        wait_hours, units = later[0] if later else (24.0 - hour_now + schedule[0][0], schedule[0][1])
        yield hospital.clock.timeout(wait_hours * 60.0)
        pool.resize(units)


def breakdowns(hospital: Hospital, pool: Pool) -> ProcessGenerator:
    """One unit fails after a while and is repaired; a scan under way is finished first."""
    rule = hospital.rules.breakdowns[pool.name]
    for number in range(10**9):
        yield hospital.clock.timeout(hospital.streams.exponential(rule.mean_up, "breakdown", pool.name, 2 * number))
        repair = hospital.streams.exponential(rule.mean_down, "breakdown", pool.name, 2 * number + 1)
        yield from out_of_order(hospital, pool, repair)


def out_of_order(hospital: Hospital, pool: Pool, minutes: float) -> ProcessGenerator:
    """Take one unit out of service for some minutes."""
    if pool.units == 0:
        return
    pool.resize(pool.units - 1)
    hospital.note("breakdown", pool.name, {"down": True, "units": pool.units})
    yield hospital.clock.timeout(minutes)
    pool.resize(pool.units + 1)
    hospital.note("breakdown", pool.name, {"down": False, "units": pool.units})


def planned_event(hospital: Hospital, event: EventRule) -> ProcessGenerator:
    """Something that the scenario says will happen: a machine is down, or many patients come at once."""
    from clinsim.hospital.arrivals import admit_to_hospital
    from clinsim.hospital.emergency import visit

    yield hospital.clock.timeout(event.minute)
    if event.kind == "down":
        yield from out_of_order(hospital, hospital.pools[event.subject], event.minutes)
        return
    for number in range(event.count):
        key = f"e{event.minute:g}.{event.subject}.{number}"
        patient = admit_to_hospital(hospital, event.subject, key, "ed", ambulance=True)
        hospital.clock.process(visit(hospital, patient))
        yield hospital.clock.timeout(event.minutes / max(1, event.count))


def shift(hospital: Hospital, staff: Staff, every_day: bool) -> ProcessGenerator:
    """Come on shift, go off it: before the end hand patients over in writing; who is left without a doctor can be claimed anew."""
    while True:
        if staff.starts_at > hospital.now:
            yield hospital.clock.timeout(staff.starts_at - hospital.now)
        hospital.desk.colleagues[staff.agent].on_shift = True
        if staff.ends_at == float("inf"):
            return
        yield hospital.clock.timeout(staff.ends_at - hospital.now)
        text = f"your shift is over: hand over within {HANDOVER_MINUTES:g} minutes to {staff.hands_over_to or 'a colleague'}"
        staff.inbox.append(
            {"minute": round(hospital.now, 2), "kind": "shift_end", "subject": staff.agent, "text": text, "urgent": True, "to": staff.hands_over_to}
        )
        hospital.interrupt_for_shift_end(staff)
        yield hospital.clock.timeout(HANDOVER_MINUTES)
        go_home(hospital, staff)
        if not every_day:
            return
        come_again(hospital, staff)


def come_again(hospital: Hospital, staff: Staff) -> None:
    """The same shift a day later."""
    staff.starts_at += MINUTES_PER_DAY
    staff.ends_at += MINUTES_PER_DAY
    staff.ended = staff.started = False
    staff.inbox = []
    hospital.calendar.put(staff, staff.starts_at)


def go_home(hospital: Hospital, staff: Staff) -> None:
    """The shift is over: patients who were not handed over are without a doctor, to be claimed."""
    if staff.ended:
        return
    staff.ended = True
    staff.doing = None
    hospital.desk.colleagues[staff.agent].on_shift = False
    for patient in hospital.present.values():
        if patient.chart.owner == staff.agent:
            patient.chart.owner = ""
            hospital.note("hand_over", patient.id, {"by": staff.agent, "to": ""})
