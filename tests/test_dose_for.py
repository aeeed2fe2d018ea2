"""A dose for one patient: by weight, kidney and what is charted, by a table; and a suggestion never breaks a bound of the formulary."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.hospital.dose_for import suggest
from clinsim.hospital.safety import PatientFacts, load_formulary

ADULT = PatientFacts(egfr=90.0, weight_kg=80.0, age=50.0)

# drug, route, facts, dose (None: none can be given), a word of the reasons, a code that still speaks against it
DOSES = {
    "a plain one": ("paracetamol", "oral", ADULT, 1000.0, "usual", ""),
    "by weight": ("enoxaparin", "sc", ADULT, 80.0, "80 kg", ""),
    "by weight, up to its cap": ("vancomycin", "iv", replace(ADULT, weight_kg=150.0), 3000.0, "150 kg", ""),
    "weight not known": ("vancomycin", "iv", replace(ADULT, weight_kg=None), None, "weight", ""),
    "half for the kidneys": ("metformin", "oral", replace(ADULT, egfr=40.0), 500.0, "below 45", ""),
    "none for the kidneys": ("metformin", "oral", replace(ADULT, egfr=20.0), None, "below 30", ""),
    "another interval": ("levofloxacin", "iv", replace(ADULT, egfr=30.0), 750.0, "every 48 h", ""),
    "kidneys not known": ("levofloxacin", "iv", replace(ADULT, egfr=None), 750.0, "not known", ""),
    "an allergy stays": ("amoxicillin", "oral", replace(ADULT, allergies=("penicillin",)), 1000.0, "usual", "ALLERGY"),
    "an interaction stays": ("clarithromycin", "oral", replace(ADULT, current_drugs=("simvastatin",)), 500.0, "usual", "INTERACTION"),
}


@pytest.mark.parametrize("case", DOSES)
def test_a_dose_is_worked_out(case: str) -> None:
    name, route, facts, dose, word, code = DOSES[case]
    formulary = load_formulary()
    found = suggest(formulary.drugs[name], route, facts, formulary)  # type: ignore[arg-type]  # routes of a table
    assert found.dose == dose
    assert any(word in text for text in found.because)
    assert [text.partition(":")[0] for text in found.against] == ([code] if code else [])


def test_infusions_say_how_long() -> None:
    formulary = load_formulary()
    assert suggest(formulary.drugs["vancomycin"], "iv", ADULT, formulary).over_minutes == pytest.approx(120.0)
    assert suggest(formulary.drugs["ceftriaxone"], "iv", ADULT, formulary).over_minutes is None


@given(
    drug=st.sampled_from(sorted(load_formulary().drugs)),
    egfr=st.floats(min_value=3.0, max_value=130.0),
    weight=st.floats(min_value=40.0, max_value=180.0),
)
def test_a_suggestion_meets_its_own_dose_and_kidney_checks(drug: str, egfr: float, weight: float) -> None:
    formulary = load_formulary()
    rule = formulary.drugs[drug]
    for route in rule.routes:
        found = suggest(rule, route, PatientFacts(egfr=egfr, weight_kg=weight, age=50.0), formulary)
        codes = {text.partition(":")[0] for text in found.against}
        assert not codes & {"OVERDOSE", "RENAL", "UNIT", "ROUTE"}, (drug, route, found)
