"""Home drugs: what is charted at the door is wrong at the stated rates, asking mends it, and what speaks against a drug is held."""

from dataclasses import replace

import pytest

from clinsim.condition_file import load_conditions
from clinsim.hospital.people import make_person
from clinsim.hospital.reconciliation import charted_list, decisions
from clinsim.hospital.safety import PatientFacts, load_formulary
from clinsim.hospital.streams import Streams

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
