"""Drug orders: each check by a table, the knowledge base by its rules."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.hospital.safety import (
    Finding,
    PatientFacts,
    alternatives,
    in_unit_of,
    interaction,
    is_significant,
    load_formulary,
    review,
    total_loss,
    worst,
)

HEALTHY = PatientFacts(egfr=95.0, weight_kg=70.0, age=50.0)


def found(facts: PatientFacts, drug: str, dose: float, unit: str, route: str) -> tuple[Finding, ...]:
    formulary = load_formulary()
    return review(formulary.drugs[drug], dose, unit, route, facts, formulary)


def facts(**changes: Any) -> PatientFacts:
    return replace(HEALTHY, **changes)


# What a review says with one code: (facts, drug, dose, unit, route, code, severity or None where the code must be absent).
REVIEWS = {
    # allergy and what crosses
    "penicillin, amoxicillin": (facts(allergies=("penicillin",)), "amoxicillin", 1000, "mg", "oral", "ALLERGY", "serious"),
    "penicillin, piperacillin": (facts(allergies=("penicillin",)), "piperacillin_tazobactam", 4500, "mg", "iv", "ALLERGY", "serious"),
    "penicillin, ceftriaxone": (facts(allergies=("penicillin",)), "ceftriaxone", 2000, "mg", "iv", "ALLERGY", "note"),
    "penicillin, meropenem": (facts(allergies=("penicillin",)), "meropenem", 1000, "mg", "iv", "ALLERGY", "note"),
    "penicillin, azithromycin": (facts(allergies=("penicillin",)), "azithromycin", 500, "mg", "oral", "ALLERGY", None),
    "penicillin, only sick from it": (facts(allergies=("penicillin:nausea",)), "amoxicillin", 1000, "mg", "oral", "ALLERGY", "note"),
    "penicillin, severe and delayed": (facts(allergies=("penicillin:SJS",)), "ceftriaxone", 2000, "mg", "iv", "ALLERGY", "serious"),
    "amoxicillin, same side chain": (facts(allergies=("Amoxil",)), "cefalexin", 500, "mg", "oral", "ALLERGY", "significant"),
    "sulfonamide, co-trimoxazole": (facts(allergies=("sulfonamide",)), "trimethoprim_sulfamethoxazole", 160, "mg", "oral", "ALLERGY", "serious"),
    "sulfonamide, furosemide": (facts(allergies=("sulfonamide",)), "furosemide", 40, "mg", "iv", "ALLERGY", None),
    "heparin reaction, enoxaparin": (facts(allergies=("heparin_hit",)), "enoxaparin", 70, "mg", "sc", "ALLERGY", "serious"),
    "aspirin, ibuprofen": (facts(allergies=("aspirin",)), "ibuprofen", 400, "mg", "oral", "ALLERGY", "significant"),
    # two of a kind
    "heparin on apixaban": (facts(current_drugs=("apixaban",)), "heparin", 5600, "units", "iv", "DUPLICATE", "serious"),
    "ketorolac on ibuprofen": (facts(current_drugs=("ibuprofen",)), "ketorolac", 15, "mg", "iv", "DUPLICATE", "significant"),
    "paracetamol twice": (facts(current_drugs=("Tylenol",)), "paracetamol", 1000, "mg", "oral", "DUPLICATE", "note"),
    "salbutamol again": (facts(current_drugs=("salbutamol",)), "salbutamol", 5, "mg", "neb", "DUPLICATE", None),
    # interactions
    "nitrate on sildenafil": (facts(current_drugs=("sildenafil",)), "glyceryl_trinitrate", 0.4, "mg", "sl", "INTERACTION", "serious"),
    "co-trimoxazole on warfarin": (
        facts(current_drugs=("warfarin",)), "trimethoprim_sulfamethoxazole", 160, "mg", "oral", "INTERACTION", "significant",
    ),
    "clarithromycin on simvastatin": (facts(current_drugs=("simvastatin",)), "clarithromycin", 500, "mg", "oral", "INTERACTION", "serious"),
    "alteplase on apixaban": (facts(current_drugs=("apixaban",)), "alteplase", 90, "mg", "iv", "INTERACTION", "serious"),
    "sumatriptan on phenelzine": (facts(current_drugs=("phenelzine",)), "sumatriptan", 50, "mg", "oral", "INTERACTION", "serious"),
    "fentanyl on linezolid": (facts(current_drugs=("linezolid",)), "fentanyl", 50, "mcg", "iv", "INTERACTION", "serious"),
    "lorazepam on morphine": (facts(current_drugs=("morphine",)), "lorazepam", 2, "mg", "iv", "INTERACTION", "significant"),
    "omeprazole on clopidogrel": (facts(current_drugs=("clopidogrel",)), "omeprazole", 20, "mg", "oral", "INTERACTION", "significant"),
    "pantoprazole on clopidogrel": (facts(current_drugs=("clopidogrel",)), "pantoprazole", 40, "mg", "oral", "INTERACTION", "note"),
    "colchicine with clarithromycin": (facts(current_drugs=("clarithromycin",)), "colchicine", 0.6, "mg", "oral", "INTERACTION", "significant"),
    "the same with poor kidneys": (facts(current_drugs=("clarithromycin",), egfr=40.0), "colchicine", 0.6, "mg", "oral", "INTERACTION", "serious"),
    "vancomycin with piperacillin": (facts(current_drugs=("piperacillin_tazobactam",)), "vancomycin", 1750, "mg", "iv", "INTERACTION", "note"),
    "lysis under warfarin, INR 1.2": (
        facts(current_drugs=("warfarin",), results={"INR": 1.2}), "alteplase", 90, "mg", "iv", "INTERACTION", "significant",
    ),
    "lysis under warfarin, INR 2.4": (
        facts(current_drugs=("warfarin",), results={"INR": 2.4}), "alteplase", 90, "mg", "iv", "INTERACTION", "serious",
    ),
    "two QT drugs": (facts(current_drugs=("haloperidol",)), "azithromycin", 500, "mg", "oral", "INTERACTION", "note"),
    "two QT drugs, low potassium": (
        facts(current_drugs=("haloperidol",), results={"K": 3.0}), "azithromycin", 500, "mg", "oral", "INTERACTION", "significant",
    ),
    "a drug nobody knows": (facts(current_drugs=("snake oil",)), "paracetamol", 1000, "mg", "oral", "UNKNOWN", "note"),
    # diseases, results, age
    "beta-blocker in asthma": (facts(problems=("asthma",)), "metoprolol", 5, "mg", "iv", "DISEASE", "significant"),
    "lysis in haemorrhage": (facts(problems=("intracerebral_haemorrhage",)), "tenecteplase", 17.5, "mg", "iv", "DISEASE", "serious"),
    "insulin with potassium 3.0": (facts(results={"K": 3.0, "GLU": 400.0}), "insulin", 7, "units", "iv", "LAB", "serious"),
    "insulin with potassium 4.0": (facts(results={"K": 4.0, "GLU": 400.0}), "insulin", 7, "units", "iv", "LAB", None),
    "insulin without potassium": (facts(results={"GLU": 400.0}), "insulin", 7, "units", "iv", "LAB_MISSING", "note"),
    "potassium on potassium 6": (facts(results={"K": 6.0}), "potassium_chloride", 20, "mmol", "iv", "LAB", "serious"),
    "nitrate at 90 mmHg": (facts(results={"sbp": 90.0}), "glyceryl_trinitrate", 0.4, "mg", "sl", "LAB", "serious"),
    "old and drowsy": (facts(age=80.0), "lorazepam", 1, "mg", "iv", "AGE", "note"),
    "adrenaline 0.5 mg into the vein": (HEALTHY, "adrenaline", 0.5, "mg", "iv", "DOSE", "serious"),
    "adrenaline 0.5 mg into the thigh": (HEALTHY, "adrenaline", 0.5, "mg", "im", "DOSE", None),
    # dose
    "tenfold insulin": (HEALTHY, "insulin", 80, "units", "iv", "OVERDOSE", "serious"),
    "double paracetamol": (HEALTHY, "paracetamol", 2000, "mg", "oral", "OVERDOSE", "significant"),
    "tenfold paracetamol": (HEALTHY, "paracetamol", 10000, "mg", "oral", "OVERDOSE", "serious"),
    "usual paracetamol": (HEALTHY, "paracetamol", 1, "g", "oral", "OVERDOSE", None),
    "heparin for twice the weight": (HEALTHY, "heparin", 11200, "units", "iv", "OVERDOSE", "serious"),
    "the cap holds for the heavy": (facts(weight_kg=150.0), "heparin", 12000, "units", "iv", "OVERDOSE", "significant"),
    "half of the least": (HEALTHY, "ceftriaxone", 500, "mg", "iv", "UNDERDOSE", "note"),
    "a tenth of the dose": (HEALTHY, "ceftriaxone", 200, "mg", "iv", "UNDERDOSE", "significant"),
    "no number at all": (HEALTHY, "ceftriaxone", float("nan"), "mg", "iv", "UNDERDOSE", "significant"),
    "weight not known": (facts(weight_kg=None), "enoxaparin", 70, "mg", "sc", "WEIGHT", "note"),
    # unit and route
    "milligrams of insulin": (HEALTHY, "insulin", 8, "mg", "iv", "UNIT", "serious"),
    "units of ceftriaxone": (HEALTHY, "ceftriaxone", 2, "units", "iv", "UNIT", "significant"),
    "grams for milligrams": (HEALTHY, "ceftriaxone", 2, "g", "iv", "CONVERTED", "note"),
    "oral heparin": (HEALTHY, "heparin", 5000, "units", "oral", "ROUTE", "serious"),
    "oral ceftriaxone": (HEALTHY, "ceftriaxone", 2000, "mg", "oral", "ROUTE", "significant"),
    "no route": (HEALTHY, "ceftriaxone", 2000, "mg", "", "ROUTE", "significant"),
    # kidney
    "ketorolac at 20": (facts(egfr=20.0), "ketorolac", 15, "mg", "iv", "RENAL", "serious"),
    "metformin at 25": (facts(egfr=25.0), "metformin", 500, "mg", "oral", "RENAL", "serious"),
    "metformin at 40, full": (facts(egfr=40.0), "metformin", 1000, "mg", "oral", "RENAL", "significant"),
    "metformin at 40, half": (facts(egfr=40.0), "metformin", 500, "mg", "oral", "RENAL", None),
    "piperacillin at 20": (facts(egfr=20.0), "piperacillin_tazobactam", 4500, "mg", "iv", "RENAL", "note"),
    "nitrofurantoin at 29": (facts(egfr=29.0), "nitrofurantoin", 100, "mg", "oral", "RENAL", "significant"),
    "nitrofurantoin at 30": (facts(egfr=30.0), "nitrofurantoin", 100, "mg", "oral", "RENAL", None),
    "kidneys not known": (facts(egfr=None), "nitrofurantoin", 100, "mg", "oral", "RENAL", "note"),
    # pregnancy, high alert
    "warfarin in pregnancy": (facts(pregnant=True), "warfarin", 5, "mg", "oral", "PREGNANCY", "significant"),
    "morphine in pregnancy": (facts(pregnant=True), "morphine", 5, "mg", "iv", "PREGNANCY", "note"),
    "paracetamol in pregnancy": (facts(pregnant=True), "paracetamol", 1000, "mg", "oral", "PREGNANCY", None),
    "insulin is high-alert": (HEALTHY, "insulin", 8, "units", "iv", "HIGH_ALERT", "note"),
}  # fmt: skip


@pytest.mark.parametrize("case", REVIEWS)
def test_a_review_finds_what_it_should(case: str) -> None:
    who, drug, dose, unit, route, code, severity = REVIEWS[case]
    of_code = [finding for finding in found(who, drug, dose, unit, route) if finding.code == code]
    if case == "sulfonamide, furosemide":  # told, as a note that it does not cross
        severity = "note"
    assert worst(of_code) == severity


def test_usual_doses_for_a_healthy_adult_are_worth_no_query() -> None:
    formulary = load_formulary()
    for drug in formulary.drugs.values():
        for route in drug.routes:
            dose = drug.usual(route, HEALTHY.weight_kg)
            assert dose is not None
            findings = review(drug, dose, drug.unit, route, HEALTHY, formulary)
            assert not is_significant(findings), (drug.name, route, findings)


def test_notes_cost_nothing_and_all_else_costs_something_but_a_low_dose() -> None:
    for who, drug, dose, unit, route, _, _ in REVIEWS.values():
        for finding in found(who, drug, dose, unit, route):
            free = finding.severity == "note" or finding.code == "UNDERDOSE"
            assert (finding.harm_loss == 0.0) == free, finding
            assert finding.source


def test_a_high_alert_drug_doubles_the_loss() -> None:
    insulin = next(f for f in found(HEALTHY, "insulin", 80, "units", "iv") if f.code == "OVERDOSE")
    paracetamol = next(f for f in found(HEALTHY, "paracetamol", 10000, "mg", "oral") if f.code == "OVERDOSE")
    assert insulin.harm_loss == 2.0 * paracetamol.harm_loss


def test_the_gravest_finding_comes_first_and_losses_join_as_independent() -> None:
    who = facts(allergies=("penicillin",), current_drugs=("methotrexate", "warfarin"), egfr=20.0)
    findings = found(who, "trimethoprim_sulfamethoxazole", 160, "mg", "oral")
    ranks = [["serious", "significant", "note"].index(finding.severity) for finding in findings]
    assert ranks == sorted(ranks)
    first, *rest = [finding.harm_loss for finding in findings if finding.harm_loss]
    survived = 1.0 - first
    for loss in rest:
        survived *= 1.0 - loss
    assert total_loss(findings) == pytest.approx(1.0 - survived)


def test_what_is_not_known_is_not_called_safe() -> None:
    record = interaction("paracetamol", "octreotide")
    assert not record.known
    assert record.severity is None
    assert "not in the knowledge base" in record.text
    assert "does not mean safe" in record.text
    assert not interaction("paracetamol", "no such drug").known


@pytest.mark.parametrize(
    ("a", "b", "tier"),
    [
        ("sildenafil", "glyceryl_trinitrate", "contraindicated"),
        ("Viagra", "GTN", "contraindicated"),
        ("simvastatin", "clarithromycin", "contraindicated"),
        ("sertraline", "phenelzine", "contraindicated"),
        ("ergotamine", "clarithromycin", "contraindicated"),
        ("tizanidine", "ciprofloxacin", "contraindicated"),
        ("febuxostat", "azathioprine", "contraindicated"),
        ("tramadol", "linezolid", "contraindicated"),
        ("warfarin", "fluconazole", "major"),
        ("valproate", "meropenem", "contraindicated"),
        ("metoprolol", "verapamil", "major"),
        ("losartan", "trimethoprim_sulfamethoxazole", "major"),
        ("vancomycin", "piperacillin_tazobactam", "moderate"),
        ("warfarin", "paracetamol", "suppressed"),
    ],
)
def test_the_knowledge_base_is_the_same_from_both_sides(a: str, b: str, tier: str) -> None:
    assert interaction(a, b).tier == interaction(b, a).tier == tier


def test_low_tiers_never_ask_for_a_query() -> None:
    formulary = load_formulary()
    low = [row for row in formulary.interactions if row.tier in ("moderate", "suppressed")]
    assert len(low) >= 25
    for row in low:
        assert row.loss is None or row.loss == 0.0


def test_alternatives_are_of_the_group_and_harmless() -> None:
    formulary = load_formulary()
    who = facts(allergies=("penicillin",), egfr=20.0)
    names = alternatives(formulary.drugs["amoxicillin"], who, formulary)
    assert "doxycycline" in names
    assert not {"amoxicillin", "piperacillin_tazobactam", "nitrofurantoin"} & set(names)


@pytest.mark.parametrize(
    ("drug", "dose", "unit", "expected"),
    [
        ("ceftriaxone", 2.0, "g", 2000.0),
        ("octreotide", 0.05, "MG", 50.0),
        ("crystalloid", 1.0, "L", 1000.0),
        ("heparin", 5000.0, "IU", 5000.0),
        ("noradrenaline", 0.1, "µg/kg/min", 0.1),
        ("noradrenaline", 5.0, "mcg/min", None),
        ("insulin", 1.0, "mg", None),
        ("insulin", 1.0, "", None),
    ],
)
def test_units_convert_or_are_refused(drug: str, dose: float, unit: str, expected: float | None) -> None:
    amount = in_unit_of(load_formulary().drugs[drug], dose, unit)
    assert amount == (None if expected is None else pytest.approx(expected))


names = st.sampled_from(sorted(load_formulary().drugs))


@given(drug=names, current=st.lists(names, max_size=4), dose=st.floats(), unit=st.text(max_size=4), route=st.text(max_size=4))
def test_any_order_gets_an_answer(drug: str, current: list[str], dose: float, unit: str, route: str) -> None:
    who = facts(current_drugs=tuple(current), allergies=("", ":", "x:y:z"))
    for own in (unit, load_formulary().drugs[drug].unit):
        for way in (route, load_formulary().drugs[drug].routes[0]):
            assert 0.0 <= total_loss(found(who, drug, dose, own, way)) <= 1.0


@given(drug=names, factor=st.floats(min_value=1.0, max_value=50.0))
def test_more_of_a_drug_is_never_safer_than_its_largest_dose(drug: str, factor: float) -> None:
    rule = load_formulary().drugs[drug]
    route = rule.routes[0]
    dose = rule.doses[route]
    most = dose.within(dose.high, 70.0)
    assert most is not None
    losses = [total_loss(found(HEALTHY, drug, most * f, rule.unit, route)) for f in (1.0, factor, 2.0 * factor)]
    assert losses == sorted(losses)
