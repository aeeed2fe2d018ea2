"""Home drugs: what is charted at the door is wrong at the stated rates, asking mends it, and what speaks against a drug is held."""

from dataclasses import replace

import pytest

from clinsim.condition_file import load_conditions
from clinsim.hospital.hospital import Hospital
from clinsim.hospital.people import make_person
from clinsim.hospital.reconciliation import charted_list, decisions, taken_at_home, write_list
from clinsim.hospital.request_care import stop
from clinsim.hospital.safety import PatientFacts, load_formulary
from clinsim.hospital.streams import Streams
from clinsim.record import Actor, Order
from clinsim.scenario_file import load_scenario

FACTS = PatientFacts(egfr=80.0, weight_kg=70.0, age=60.0)


def test_lists_lack_and_keep_drugs_at_the_rates_of_the_file() -> None:
    rule, streams = load_formulary().home_lists, Streams(2)
    taken = lacking = stale = 0
    sheets = list(load_conditions().values())
    for i in range(3000):
        person = make_person(streams, f"x{i}", sheets[i % len(sheets)])
        listed = charted_list(streams, person)
        assert listed == charted_list(Streams(2), person)
        assert len(listed) == len(set(listed))
        taken += len(person.home_drugs)
        lacking += len(set(person.home_drugs) - set(listed))
        stale += len(set(listed) - set(person.home_drugs))
    assert lacking / taken == pytest.approx(rule.omitted, abs=0.02)
    assert 0 < stale < lacking


# home drugs, ordered, facts, what to do
DECISIONS = {
    "nothing against it": (("amlodipine",), (), FACTS, ["continue"]),
    "ordered by its brand": (("Lipitor",), ("atorvastatin",), FACTS, ["ordered"]),
    "potassium is high": (("spironolactone",), (), replace(FACTS, results={"K": 5.8}), ["hold"]),
    "kidneys fail": (("metformin", "amlodipine"), (), replace(FACTS, egfr=22.0), ["hold", "continue"]),
    "kidneys are poor": (("metformin",), (), replace(FACTS, egfr=38.0), ["reduce"]),
    "bleeding": (("apixaban",), (), replace(FACTS, problems=("upper_gi_bleed",)), ["hold"]),
    "an interaction with what is given": (("simvastatin",), ("clarithromycin",), replace(FACTS, current_drugs=("clarithromycin",)), ["hold"]),
    "it is no interaction with itself": (("metoprolol",), (), replace(FACTS, current_drugs=("metoprolol",)), ["continue"]),
    "nobody knows it": (("snake oil",), (), FACTS, ["look_up"]),
}


@pytest.mark.parametrize("case", DECISIONS)
def test_each_home_drug_gets_a_decision(case: str) -> None:
    home, ordered, facts, expected = DECISIONS[case]
    found = decisions(home, ordered, facts, load_formulary())
    assert [row.decision for row in found] == expected
    assert all(row.reason for row in found)


def test_asking_sets_the_list_right_and_a_stopped_drug_no_longer_counts() -> None:
    hospital = Hospital(load_scenario("ward_round"), 4)
    hospital.advance()
    wrong = [patient for patient in hospital.patients.values() if patient.chart.home_drugs != taken_at_home(patient)]
    assert wrong
    patient, doctor = wrong[0], Actor("doctor_1", "doctor")
    write_list(hospital, patient, "pharmacist_1")
    assert patient.chart.home_drugs == taken_at_home(patient) == patient.person.home_drugs
    logged = [entry.data for entry in hospital.log if entry.kind == "home_drugs"]
    assert logged[0]["added"] or logged[0]["no_longer"]
    stopped = patient.chart.home_drugs[0]
    stop(hospital, doctor, Order("stop", subject=patient.id, code=stopped))
    assert stopped not in (*patient.chart.home_drugs, *patient.current_drugs, *taken_at_home(patient))
    write_list(hospital, patient, "pharmacist_1")
    assert stopped not in patient.chart.home_drugs
