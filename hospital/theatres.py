"""Procedures at the bedside or in a room of their own, and consultants' advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.hospital import laboratory, nursing
from clinsim.hospital.charts import OrderLine
from clinsim.hospital.effects import take_effect
from clinsim.hospital.patients import Patient
from clinsim.hospital.sampling import draw
from clinsim.record import PLACE_IN_QUEUE

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

    from clinsim.hospital.hospital import Hospital


def procedure(hospital: Hospital, patient: Patient, line: OrderLine) -> ProcessGenerator:
    """Prepare, do it at the bedside or in its room, and write down that it is done."""
    rule = hospital.rules.procedures[line.code]
    place = PLACE_IN_QUEUE[line.priority]
    yield hospital.clock.timeout(rule.prepare)
    if patient.gone or line.state == "cancelled":
        return
    if rule.room:
        yield from in_room(hospital, patient, line, rule.room, rule.minutes, place)
    elif rule.nurse:
        yield from nursing.bedside_task(hospital, patient, rule.minutes, place)
    else:
        yield hospital.clock.timeout(rule.minutes)
    if not patient.gone and line.state != "cancelled":
        finish(hospital, patient, line)


def in_room(hospital: Hospital, patient: Patient, line: OrderLine, room: str, minutes: float, place: int) -> ProcessGenerator:
    """Take the patient to the room once it is free, treat, and bring the patient back."""
    with hospital.pools[room].request(place) as turn:
        yield turn
        with patient.presence.request(place) as body:
            yield body
            yield from nursing.until_unattended(hospital, patient)
            if patient.gone or line.state == "cancelled":
                patient.moving = False
                return
            there = hospital.walks[laboratory.bedside_location(hospital, patient), hospital.rules.pools[room].location]
            begin_away(hospital, patient, room)
            yield hospital.clock.timeout(there + minutes)
            if not patient.gone:
                finish(hospital, patient, line)
                yield hospital.clock.timeout(there)
            end_away(hospital, patient)


def begin_away(hospital: Hospital, patient: Patient, where: str) -> None:
    """Write down that the patient is away from the place, at a scanner or in theatre."""
    patient.away_at = where
    if not patient.gone:
        hospital.note("place", patient.id, {"from": patient.chart.place, "to": where, "unit": patient.chart.unit})
        patient.chart.place, patient.chart.status = where, "away"


def end_away(hospital: Hospital, patient: Patient) -> None:
    """Write down that the patient is back."""
    patient.away_at = ""
    patient.moving = False
    if patient.gone:
        return
    back = patient.zone
    hospital.note("place", patient.id, {"from": patient.chart.place, "to": back, "unit": patient.chart.unit})
    patient.chart.place = back
    patient.chart.status = (
        "inpatient" if patient.chart.unit else "boarding" if patient.wanted_unit else "waiting" if back == "waiting_room" else "in_department"
    )


def finish(hospital: Hospital, patient: Patient, line: OrderLine) -> None:
    """The procedure takes effect."""
    if line.state == "done":
        return
    line.done_at = hospital.now
    laboratory.set_state(hospital, line, "done", "nurse")
    hospital.note("procedure", patient.id, {"order": line.id, "procedure": line.code, "by": line.by})
    take_effect(hospital, patient, line, dose_ok=True)


def consult(hospital: Hospital, patient: Patient, line: OrderLine) -> ProcessGenerator:
    """A consultant looks at the chart and leaves advice."""
    rule = hospital.rules.services[line.code]
    yield hospital.clock.timeout(draw(hospital.streams, rule.answer, "consult", laboratory.line_key(patient, line)))
    if patient.gone:
        return
    laboratory.set_state(hospital, line, "done", line.code)
    line.done_at = hospital.now
    advice = advice_on(hospital, patient, line.code)
    nursing.add_note(hospital, patient, "consult", line.code, advice)
    hospital.note("consult", patient.id, {"service": line.code, "by": line.by})
    hospital.tell(patient.chart.owner or line.by, "consult", patient.id, advice, patient=patient.id, service=line.code)


def advice_on(hospital: Hospital, patient: Patient, service: str) -> str:
    """What the consultant writes, from what is charted by then: never from the truth."""
    chart = patient.chart
    known = chart.diagnosis or "no working diagnosis yet"
    reports = "; ".join(report.impression for report in chart.reports[-2:]) or "no imaging reported"
    title = hospital.rules.services[service].title
    return f"{title}: seen. Working diagnosis: {known}. Imaging: {reports}. Complete the work-up, start essential treatment, ask again if worse."
