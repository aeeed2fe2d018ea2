"""Arrivals: a true non-homogeneous Poisson process, keyed, with case mix and mode; and patients who are written into the scenario."""

from __future__ import annotations

from functools import lru_cache
from math import exp
from typing import TYPE_CHECKING, NamedTuple

from clinsim.condition_file import Condition, load_conditions
from clinsim.hospital.charts import Chart
from clinsim.hospital.patients import Patient
from clinsim.hospital.people import Person, Presentation, make_person, present
from clinsim.hospital.physiology import Course, Outcome, references
from clinsim.hospital.pool import Pool
from clinsim.hospital.reconciliation import charted_list
from clinsim.hospital.scatter import severity_at_arrival
from clinsim.hospital.signs import Levels
from clinsim.hospital.streams import Streams
from clinsim.hospital.thinning import thinned
from clinsim.scenario_parts import ArrivalRule, GivenPatient

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

    from clinsim.hospital.hospital import Hospital

MINUTES_PER_DAY = 1440.0
MOST_SPREAD = 4.0
"""No day is busier than one in thirty thousand."""


def rate_per_minute(rule: ArrivalRule, hour_of_day: float) -> float:
    """Arrivals per minute at an hour of the day (0 to 24)."""
    share = rule.percent_of_day[int(hour_of_day) % 24] / sum(rule.percent_of_day)
    return rule.per_day * rule.multiplier * share / 60.0


def day_factor(streams: Streams, rule: ArrivalRule, minute: float) -> float:
    """By how much more patients come on the day of `minute` than on a usual one: lognormal with mean 1, the same all day."""
    if not rule.day_spread:
        return 1.0
    normal = streams.normal("arrival", "day", int(minute // MINUTES_PER_DAY))
    return exp(rule.day_spread * min(MOST_SPREAD, normal) - 0.5 * rule.day_spread**2)


def arrivals(hospital: Hospital, rule: ArrivalRule) -> ProcessGenerator:
    """Let patients come at the rates of the rule, each with a condition of the case mix and a mode of arrival."""
    from clinsim.hospital.emergency import visit

    file = hospital.scenario.file
    assert file.case_mix is not None, "the scenario file checks that arrivals have a case mix"
    weights = tuple(file.case_mix.weights.items())

    def rate(minute: float) -> float:
        return rate_per_minute(rule, (file.starts_at_hour + minute / 60.0) % 24.0) * day_factor(hospital.streams, rule, minute)

    def come(index: int) -> None:
        name = hospital.streams.pick(weights, "arrival", "condition", index)
        ambulance = hospital.streams.uniform("arrival", "mode", index) < ambulance_share(hospital, rule, name, f"a{index}")
        hospital.clock.process(visit(hospital, admit_to_hospital(hospital, name, f"a{index}", "ed", ambulance)))

    highest = max(rate_per_minute(rule, hour) for hour in range(24)) * exp(MOST_SPREAD * rule.day_spread)
    yield from thinned(hospital.clock, hospital.streams, highest, rate, come)


def ambulance_share(hospital: Hospital, rule: ArrivalRule, condition: str, key: str) -> float:
    """The probability that who comes under `key` is brought by ambulance: of the level of acuity where the scenario says so, else of all."""
    if not rule.ambulance_by_esi:
        return rule.ambulance_share
    sheet = hospital.conditions[condition]
    return rule.ambulance_by_esi[sheet.esi_at(severity_at_arrival(sheet, key, hospital.streams))]


def given_patient(hospital: Hospital, given: GivenPatient, number: int) -> ProcessGenerator:
    """A patient of the scenario file comes at the stated minute."""
    from clinsim.hospital.emergency import visit

    yield hospital.clock.timeout(given.minute)
    patient = admit_to_hospital(hospital, chosen(hospital, given, number), f"g{number}", "ed", given.ambulance)
    hospital.expected_arrivals -= 1
    yield from visit(hospital, patient)


def chosen(hospital: Hospital, given: GivenPatient, number: int) -> str:
    """The condition of a patient of the scenario file: the named one, or one of several, drawn for the seed."""
    return hospital.streams.pick(tuple((name, 1.0) for name in given.choices), "given", f"g{number}")


class Newcomer(NamedTuple):
    """Who comes: the person, how it shows, the outcomes without and with the best care, and room for what the signs of this person start from."""

    person: Person
    shown: Presentation
    references: tuple[Outcome, Outcome]
    levels: Levels


@lru_cache(maxsize=2048)
def who_comes(seed: int, condition: str, key: str, minute: float, mixed: float) -> Newcomer:
    """Who comes under `key` with a condition at a minute: it follows from the seed alone, and is kept for the next episode with it."""
    streams, sheet = Streams(seed), load_conditions()[condition]
    person = make_person(streams, key, sheet, mixed=mixed)
    return Newcomer(person, present(sheet, person, streams), references(sheet, person, streams, minute), {})


def admit_to_hospital(hospital: Hospital, condition: str, key: str, origin: str, ambulance: bool, unit: str = "") -> Patient:
    """Write a new patient into the hospital: truth, chart and log.

    `key` names the keyed draws, whoever else comes; `unit` is where the patient lies already, if not at the door.
    """
    sheet = hospital.conditions[condition]
    mix = hospital.scenario.file.case_mix
    mixed = mix.mixed.get(condition, 1.0) if mix else 1.0
    person, shown, (untreated, optimal), levels = who_comes(hospital.streams.seed, condition, key, hospital.now, mixed)
    own = Streams(hospital.streams.seed)  # a person stays who they are, whatever luck the hospital meets later
    course = Course(sheet, person, own, hospital.now, levels)
    pid = hospital.new_id("P")
    chart = Chart(
        id=pid,
        age=person.age,
        sex=person.sex,
        weight_kg=person.weight_kg,
        complaint=shown.complaint,
        arrived_at=hospital.now,
        arrival_mode="ambulance" if ambulance else "walk_in",
        allergies=person.allergies,
        home_drugs=charted_list(hospital.streams, person),
        comorbidities=person.comorbidities,
        egfr=person.egfr,
        pregnant=person.pregnant,
    )
    clock = hospital.clock
    patient = Patient(
        id=pid,
        chart=chart,
        condition=sheet,
        person=person,
        presentation=shown,
        course=course,
        arrived_at=hospital.now,
        origin=origin,
        true_esi=sheet.esi_at(course.x),
        untreated=untreated,
        optimal=optimal,
        presence=Pool(clock, f"presence_{pid}", 1),
        move=clock.event(),
        requeue=clock.event(),
        current_drugs=list(person.home_drugs),
    )
    hospital.patients[pid] = hospital.present[pid] = patient
    if origin == "ed":
        hospital.listed[pid] = patient
    hospital.charts[pid] = chart
    _log_arrival(hospital, patient, unit)
    return patient


def _log_arrival(hospital: Hospital, patient: Patient, unit: str) -> None:
    chart, sheet = patient.chart, patient.condition
    facts = {"complaint": chart.complaint, "age": chart.age, "sex": chart.sex, "mode": chart.arrival_mode, "origin": patient.origin}
    facts["unit"] = unit
    hospital.note("arrival", patient.id, facts)
    treatments = [{"id": t.id, "any_of": list(t.any_of), "essential": t.essential, "target_minutes": t.target_minutes} for t in sheet.treatments]
    truth = {
        "condition": sheet.id,
        "acuity": patient.true_esi,
        "disposition": true_disposition(patient, hospital.now),
        "loss_untreated": round(patient.untreated.loss, 6),
        "loss_optimal": round(patient.optimal.loss, 6),
        "stakes": round(patient.stakes, 6),
        "critical": patient.true_esi <= 2,
        "treatments": treatments,
        "key_tests": list(sheet.key_tests),
        "origin": patient.origin,
    }
    hospital.truth("patient_truth", patient.id, truth)


def true_disposition(patient: Patient, minute: float) -> str:
    """Where this patient should go: home, ward or icu, by the condition and how far it has gone at `minute`."""
    sheet: Condition = patient.condition
    return "icu" if sheet.needs_icu(patient.course.severity(minute)) else sheet.disposition
