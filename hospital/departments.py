"""What opens with the hospital: every pathway that runs by itself, started once, in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.hospital import arrivals, shifts, wards
from clinsim.hospital.messages import unread_characters
from clinsim.hospital.settlement import settle_all
from clinsim.hospital.shifts import go_home
from clinsim.record import Submission

if TYPE_CHECKING:
    from clinsim.hospital.hospital import Hospital
    from clinsim.hospital.roster import Staff

__all__ = ["go_home", "open_hospital", "reading_minutes", "settle_all"]
TAKES_BY_LENGTH = frozenset({"read_messages", "send_message", "call_colleague"})
"""Tools that take the longer the more text there is."""


def open_hospital(hospital: Hospital) -> None:
    """Start the pathways: inpatients, arrivals, bodies, schedules, breakdowns, events, shifts, ward work."""
    clock, file = hospital.clock, hospital.scenario.file
    clock.process(shifts.bodies(hospital))
    wards.open_wards(hospital)
    given = [(number, patient) for number, patient in enumerate(file.patients) if not patient.unit]
    hospital.expected_arrivals = len(given) + (file.arrivals is not None)
    for number, patient in given:
        clock.process(arrivals.given_patient(hospital, patient, number))
    if file.arrivals is not None:
        clock.process(arrivals.arrivals(hospital, file.arrivals))
    for name, rule in hospital.rules.pools.items():
        if rule.schedule:
            clock.process(shifts.capacity_by_hour(hospital, hospital.pools[name]))
    for name in hospital.rules.breakdowns:
        clock.process(shifts.breakdowns(hospital, hospital.pools[name]))
    for event in file.events:
        clock.process(shifts.planned_event(hospital, event))
    for seat in (*hospital.scenario.seats, *hospital.scenario.background):
        clock.process(shifts.shift(hospital, hospital.staff[seat.agent], seat.every_day))
    clock.process(wards.ward_orders(hospital))
    clock.process(wards.ward_studies(hospital))


def reading_minutes(hospital: Hospital, staff: Staff, submission: Submission) -> float:
    """Extra minutes that reading or writing takes by length: unread messages, and text that is written."""
    if submission.tool not in TAKES_BY_LENGTH:
        return 0.0
    per_100 = hospital.rules.messages.read_per_100_characters
    if submission.tool == "read_messages":
        return per_100 * unread_characters(hospital, staff.agent) / 100.0
    return per_100 * len(str(submission.arguments.get("text", ""))) / 100.0
