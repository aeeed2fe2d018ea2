"""Nurses: observations, standing orders, collecting, giving. Nurses are a resource; their standing orders run whoever decides."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from clinsim.hospital.charts import NoteLine, VitalSet
from clinsim.hospital.patients import Patient
from clinsim.scenario_parts import StandingOrder

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

    from clinsim.hospital.hospital import Hospital

VITALS = ("hr", "sbp", "rr", "spo2", "temp", "gcs", "pain")
_values = attrgetter(*VITALS)
BY_STANDING_ORDER = "standing_order"
PAIN_THAT_COUNTS = 4.0
"""Charted pain (0-10) from which hours of uncontrolled pain are counted (moderate pain on the numeric scale)."""


def nurse_pool(hospital: Hospital, patient: Patient) -> str:
    """The nurses who look after the patient where the patient now is."""
    return hospital.rules.nursing.by_zone.get(patient.zone, "nurse")


def add_note(hospital: Hospital, patient: Patient, kind: str, by: str, text: str) -> None:
    """Write a line into the notes."""
    patient.chart.notes.append(NoteLine(round(hospital.now, 2), kind, by, text))


def chart_vitals(hospital: Hospital, patient: Patient, by: str) -> VitalSet:
    """Measure and write down a set of vital signs; measuring changes nothing."""
    charted = hospital.tape.once(lambda: _measured(patient, hospital.now, by))
    patient.chart.vitals.append(charted)
    hospital.note("vitals", patient.id, dict(zip(VITALS, _values(charted), strict=True), by=by))
    return charted


def _measured(patient: Patient, minute: float, by: str) -> VitalSet:
    return VitalSet(round(minute, 2), by=by, **patient.course.vitals(minute))


def start_observations(hospital: Hospital, patient: Patient) -> None:
    """Begin the rounds of a new place; those of the old one end."""
    patient.rounds += 1
    hospital.clock.process(observations(hospital, patient, patient.rounds))


def observations(hospital: Hospital, patient: Patient, rounds: int) -> ProcessGenerator:
    """Chart vital signs at the interval of the place; monitors alarm, standing orders follow what is charted."""
    while True:
        minutes = interval(hospital, patient)
        yield hospital.clock.timeout(minutes)
        if patient.gone or patient.rounds != rounds:
            return
        if patient.chart.esi is None or patient.away_at:
            continue
        monitored = patient.zone in hospital.rules.alarms.zones
        if not monitored:
            with hospital.pools[nurse_pool(hospital, patient)].request(1) as nurse:
                yield nurse
                yield hospital.clock.timeout(hospital.rules.nursing.observe)
            if patient.id not in hospital.present:
                return
        charted = chart_vitals(hospital, patient, "monitor" if monitored else "nurse")
        if charted.pain >= PAIN_THAT_COUNTS:
            patient.pain_hours += minutes / 60.0
        if monitored:
            alarm(hospital, patient, charted)
        follow_standing_orders(hospital, patient, charted)


def interval(hospital: Hospital, patient: Patient) -> float:
    """Minutes to the next charted set: what a doctor asked for, or the rule of the place."""
    if patient.chart.unit:
        usual = hospital.rules.units[patient.chart.unit].observe_every
    else:
        usual = hospital.rules.alarms.every if patient.zone in hospital.rules.alarms.zones else 60.0
    asked = patient.chart.observe_every
    return min(asked, usual) if asked else usual


def alarm(hospital: Hospital, patient: Patient, charted: VitalSet) -> None:
    """Sound an alarm when a charted value lies beyond its limits, or falsely at the stated rate; then be quiet for a while."""
    rule = hospital.rules.alarms
    if hospital.now < patient.alarm_silent_until:
        return
    beyond = [name for name, (low, high) in rule.limits.items() if not low <= getattr(charted, name) <= high]
    false_chance = rule.false_per_hour * rule.every / 60.0
    is_false = not beyond and hospital.streams.uniform("alarm", patient.person.id, int(hospital.now)) < false_chance
    if not beyond and not is_false:
        return
    vital = beyond[0] if beyond else "hr"
    patient.alarm_silent_until = hospital.now + rule.snooze
    hospital.note("alarm", patient.id, {"vital": vital, "value": getattr(charted, vital)})
    hospital.truth("alarm_truth", patient.id, {"false": is_false})
    if patient.chart.owner:
        text = f"alarm: {vital} {getattr(charted, vital)}" if beyond else "alarm: monitor, artefact possible"
        hospital.tell(patient.chart.owner, "alarm", patient.id, text, urgent=True, patient=patient.id)


def start_standing_orders(hospital: Hospital, patient: Patient) -> None:
    """Once the patient has a place: the standing orders for the complaint and the last charted set."""
    if patient.chart.vitals:
        follow_standing_orders(hospital, patient, patient.chart.vitals[-1])


def follow_standing_orders(hospital: Hospital, patient: Patient, charted: VitalSet) -> None:
    """Do what the standing orders say for this complaint and these charted values, each once."""
    for rule in hospital.scenario.standing_orders:
        if rule.id in patient.standing_done or not applies(rule, patient, charted):
            continue
        patient.standing_done.add(rule.id)
        _ACTIONS[rule.do](hospital, patient, rule)


def applies(rule: StandingOrder, patient: Patient, charted: VitalSet) -> bool:
    """Whether a standing order is for this patient now."""
    if rule.complaints and patient.chart.complaint not in rule.complaints:
        return False
    if not rule.vital:
        return bool(rule.complaints)
    value = getattr(charted, rule.vital)
    return (rule.below is not None and value < rule.below) or (rule.above is not None and value > rule.above)


def _test(hospital: Hospital, patient: Patient, rule: StandingOrder) -> None:
    from clinsim.hospital.ordering import place_test

    place_test(hospital, patient, rule.code, "stat", BY_STANDING_ORDER)


def _procedure(hospital: Hospital, patient: Patient, rule: StandingOrder) -> None:
    from clinsim.hospital.ordering import place_procedure

    place_procedure(hospital, patient, rule.code, "stat", BY_STANDING_ORDER)


def _escalate(hospital: Hospital, patient: Patient, rule: StandingOrder) -> None:
    from clinsim.hospital import wards

    text = f"nurse escalates: {rule.vital} beyond {rule.below if rule.below is not None else rule.above}"
    add_note(hospital, patient, "nursing", "nurse", text)
    if patient.chart.unit:
        wards.rapid_response(hospital, patient)
    elif patient.chart.owner:
        hospital.tell(patient.chart.owner, "escalation", patient.id, text, urgent=True, patient=patient.id)
    else:
        for staff in hospital.staff.values():
            if staff.role == "doctor" and staff.is_on_shift(hospital.now):
                hospital.tell(staff.agent, "escalation", patient.id, text, urgent=True, patient=patient.id)


_ACTIONS = {"test": _test, "procedure": _procedure, "escalate": _escalate}


def bedside_task(hospital: Hospital, patient: Patient, minutes: float, priority: int) -> ProcessGenerator:
    """A nurse comes to the patient, once the patient is back, and works for some minutes; nobody is taken away meanwhile."""
    while True:
        while patient.moving and not patient.gone:
            with patient.presence.request() as body:
                yield body
        with hospital.pools[nurse_pool(hospital, patient)].request(priority) as nurse:
            yield nurse
            if patient.moving and not patient.gone:
                continue
            patient.attended += 1
            yield hospital.clock.timeout(minutes)
            patient.attended -= 1
            return


def until_unattended(hospital: Hospital, patient: Patient) -> ProcessGenerator:
    """Keep further tasks from beginning, and wait until no nurse is working at the bedside."""
    patient.moving = True
    while patient.attended and not patient.gone:
        yield hospital.clock.timeout(1.0)
