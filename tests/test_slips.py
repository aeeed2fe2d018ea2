"""Slips of prescribers: how often, of which kinds, and that each is what it says."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from clinsim.hospital.background import inpatients, someone, usual_prescription
from clinsim.hospital.charts import OrderLine
from clinsim.hospital.effects import facts_of
from clinsim.hospital.hospital import Hospital
from clinsim.hospital.pharmacy import error_in
from clinsim.hospital.safety import PatientFacts, is_significant, load_formulary, review
from clinsim.hospital.slips import KINDS, Prescription, slip
from clinsim.hospital.streams import Streams
from clinsim.record import Submission
from clinsim.scenario_file import load_scenario

HEALTHY = PatientFacts(egfr=95.0, weight_kg=70.0, age=50.0)


def facts(**changes: Any) -> PatientFacts:
    return replace(HEALTHY, **changes)


PATIENTS = (
    HEALTHY,
    facts(allergies=("penicillin",), current_drugs=("warfarin", "lisinopril"), egfr=28.0, age=74.0),
    facts(current_drugs=("apixaban", "metformin", "simvastatin"), egfr=45.0),
    facts(current_drugs=("sertraline", "morphine"), pregnant=True, weight_kg=60.0),
)


def prescriptions(n: int) -> list[tuple[str, Prescription, PatientFacts]]:
    drugs = list(load_formulary().drugs.values())
    rows = []
    for i in range(n):
        drug, who = drugs[i * 37 % len(drugs)], PATIENTS[i % len(PATIENTS)]
        dose = drug.usual(drug.routes[0], who.weight_kg)
        assert dose is not None
        rows.append((f"order {i}", Prescription(drug.name, dose, drug.unit, drug.routes[0]), who))
    return rows


def test_slips_come_at_the_published_rates() -> None:
    formulary, streams = load_formulary(), Streams(1)
    slips = [slip(streams, key, meant, who, formulary) for key, meant, who in prescriptions(20_000)]
    made = [found_slip for found_slip in slips if found_slip]
    # Bobb 2004: 62.4 per 1,000 orders (binomial sd 0.0017), 30.8 % of them significant (sd 0.013)
    assert len(made) / len(slips) == pytest.approx(0.0624, abs=0.006)
    assert sum(one.significant for one in made) / len(made) == pytest.approx(0.308, abs=0.05)
    kinds = Counter(one.kind for one in made)
    assert set(kinds) == set(formulary.slips.weights), kinds


def test_ward_doctors_err_at_the_published_rates_on_real_patients() -> None:
    hospital = Hospital(load_scenario("ward_round"), 0)
    while not inpatients(hospital):
        decision = hospital.advance()
        assert decision is not None
        hospital.act(decision.agent, Submission("wait", {"minutes": 1.0}))
    rule, orders, made, truth = hospital.rules.background, 0, [], []
    for number in range(12_000):
        patient = someone(hospital, "ward.rx", number)
        meant = usual_prescription(hospital, patient, number) if patient else None
        if patient is None or meant is None:
            continue
        orders += 1
        error = slip(hospital.streams, f"ward.{number}", meant, facts_of(hospital, patient), hospital.knowledge.formulary, rule.error_share)
        if error is not None:
            written = error.written
            line = OrderLine(f"O{number}", "drug", patient.id, written.drug, "ward_doctor", "routine", 0.0)
            line.amount, line.unit, line.route = written.dose, written.unit, written.route
            hospital.slips[line.id] = error.kind
            made.append(error)
            truth.append(error_in(hospital, patient, line))
    assert orders > 9_000
    assert len(made) / orders == pytest.approx(0.062, abs=0.007)  # binomial sd 0.0023
    assert sum(one.significant for one in made) / len(made) == pytest.approx(0.308, abs=0.055)  # sd 0.018
    assert all(error.code for error in truth), "what was written wrongly is an error in the truth, too"
    assert sum(error.significant for error in truth) / len(truth) == pytest.approx(0.308, abs=0.06)


def test_a_slip_is_what_it_says() -> None:
    formulary, streams = load_formulary(), Streams(5)
    for key, meant, who in prescriptions(600):
        one = slip(streams, key, meant, who, formulary, share=1.0)
        assert one is not None
        assert one.written != meant
        written = one.written
        findings = review(formulary.drugs[written.drug], written.dose, written.unit, written.route, who, formulary)
        assert one.findings == findings
        assert not one.significant or is_significant(findings)
        if one.kind == "tenfold_dose":
            assert written.dose == pytest.approx(10.0 * meant.dose)
        if one.kind == "allergy":
            assert "ALLERGY" in {finding.code for finding in findings}


def test_slips_are_keyed_and_a_smaller_share_takes_some_away() -> None:
    formulary = load_formulary()
    orders = prescriptions(200)
    runs = [[slip(Streams(3), key, meant, who, formulary, share) for key, meant, who in orders] for share in (0.5, 0.5, 0.2)]
    assert runs[0] == runs[1]
    assert all(few is None or few == many for few, many in zip(runs[2], runs[0], strict=True))
    other = [slip(Streams(4), key, meant, who, formulary, 0.5) for key, meant, who in orders]
    assert other != runs[0]


def test_kinds_of_the_file_are_those_that_the_program_knows() -> None:
    assert set(load_formulary().slips.weights) == set(KINDS)
