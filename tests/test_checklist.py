"""The verification checklist: every point has a check, every code a case in which it is found and one in which it is not."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.formulary_file import SEVERITIES
from clinsim.hospital.checklist import CHECKLIST, POINTS, looks_at
from clinsim.hospital.drug_facts import Proposal
from clinsim.hospital.safety import Directions, Finding, PatientFacts, load_formulary, review, total_loss

ADULT = PatientFacts(egfr=95.0, weight_kg=70.0, age=50.0, sex="male", reasons=("pain",), tests=frozenset({"CULTURE", "HCG"}))
AS_ORDERED = Directions()


def facts(**changes: Any) -> PatientFacts:
    return replace(ADULT, **changes)


Case = tuple[PatientFacts, str, float, str, str, Directions]


def order(who: PatientFacts, drug: str, dose: float, unit: str, route: str, **directions: float) -> Case:
    return who, drug, dose, unit, route, Directions(**directions)


# By code: an order in which it is found, how grave it then is, and one in which it is not.
CASES: dict[str, tuple[Case, str, Case]] = {
    "IDENTITY": (order(facts(age=None), "paracetamol", 1000, "mg", "oral"), "note", order(ADULT, "paracetamol", 1000, "mg", "oral")),
    "UNIT": (order(ADULT, "insulin", 8, "mg", "iv"), "serious", order(ADULT, "insulin", 8, "units", "iv")),
    "CONVERTED": (order(ADULT, "ceftriaxone", 2, "g", "iv"), "note", order(ADULT, "ceftriaxone", 2000, "mg", "iv")),
    "INDICATION": (order(facts(reasons=()), "warfarin", 5, "mg", "oral"), "note", order(facts(reasons=None), "warfarin", 5, "mg", "oral")),
    "ALLERGY": (
        order(facts(allergies=("penicillin",)), "amoxicillin", 1000, "mg", "oral"),
        "serious",
        order(facts(allergies=("penicillin",)), "azithromycin", 500, "mg", "oral"),
    ),
    "DUPLICATE": (
        order(facts(current_drugs=("apixaban",)), "enoxaparin", 70, "mg", "sc"),
        "serious",
        order(facts(current_drugs=("aspirin",)), "enoxaparin", 70, "mg", "sc"),
    ),
    "INTERACTION": (
        order(facts(current_drugs=("sildenafil",)), "glyceryl_trinitrate", 0.4, "mg", "sl"),
        "serious",
        order(facts(current_drugs=("famotidine",)), "glyceryl_trinitrate", 0.4, "mg", "sl"),
    ),
    "UNKNOWN": (
        order(facts(current_drugs=("snake oil",)), "paracetamol", 1000, "mg", "oral"),
        "note",
        order(facts(current_drugs=("lisinopril",)), "paracetamol", 1000, "mg", "oral"),
    ),
    "COMBINATION": (
        order(facts(current_drugs=("lisinopril", "furosemide"), egfr=50.0), "ibuprofen", 400, "mg", "oral"),
        "significant",
        order(facts(current_drugs=("lisinopril", "amlodipine"), egfr=50.0), "ibuprofen", 400, "mg", "oral"),
    ),
    "DISEASE": (
        order(facts(problems=("asthma",)), "propranolol", 40, "mg", "oral"),
        "serious",
        order(facts(problems=("copd",)), "propranolol", 40, "mg", "oral"),
    ),
    "LAB": (
        order(facts(results={"K": 6.0}), "potassium_chloride", 20, "mmol", "iv"),
        "serious",
        order(facts(results={"K": 3.0}), "potassium_chloride", 20, "mmol", "iv"),
    ),
    "AGE": (order(facts(age=80.0), "pethidine", 25, "mg", "iv"), "significant", order(facts(age=40.0), "pethidine", 25, "mg", "iv")),
    "DOSE": (order(ADULT, "adrenaline", 0.5, "mg", "iv"), "serious", order(ADULT, "adrenaline", 0.5, "mg", "im")),
    "OVERDOSE": (order(ADULT, "insulin", 80, "units", "iv"), "serious", order(ADULT, "insulin", 8, "units", "iv")),
    "UNDERDOSE": (order(ADULT, "ceftriaxone", 200, "mg", "iv"), "significant", order(ADULT, "ceftriaxone", 1000, "mg", "iv")),
    "WEIGHT": (order(facts(weight_kg=None), "enoxaparin", 70, "mg", "sc"), "note", order(ADULT, "enoxaparin", 70, "mg", "sc")),
    "DAILY_DOSE": (
        order(facts(given_today={"paracetamol": 3500.0}), "paracetamol", 1000, "mg", "oral"),
        "significant",
        order(facts(given_today={"paracetamol": 3000.0}), "paracetamol", 1000, "mg", "oral"),
    ),
    "RENAL": (
        order(facts(egfr=20.0), "ketorolac", 15, "mg", "iv"),
        "serious",
        order(facts(egfr=70.0), "ketorolac", 15, "mg", "iv"),
    ),
    "HEPATIC": (
        order(facts(problems=("cirrhosis",)), "ibuprofen", 400, "mg", "oral"),
        "significant",
        order(facts(problems=("cirrhosis",)), "salbutamol", 5, "mg", "neb"),
    ),
    "PREGNANCY": (
        order(facts(pregnant=True), "warfarin", 5, "mg", "oral"),
        "significant",
        order(facts(pregnant=True), "heparin", 5600, "units", "iv"),
    ),
    "LACTATION": (
        order(facts(lactating=True), "lithium", 400, "mg", "oral"),
        "significant",
        order(facts(lactating=True), "paracetamol", 1000, "mg", "oral"),
    ),
    "PAEDIATRIC": (order(facts(age=9.0), "morphine", 5, "mg", "iv"), "significant", order(facts(age=19.0), "morphine", 5, "mg", "iv")),
    "ROUTE": (order(ADULT, "ceftriaxone", 2000, "mg", "oral"), "significant", order(ADULT, "ceftriaxone", 2000, "mg", "iv")),
    "RATE": (
        order(ADULT, "potassium_chloride", 20, "mmol", "iv", over_minutes=30.0),
        "serious",
        order(ADULT, "potassium_chloride", 20, "mmol", "iv", over_minutes=120.0),
    ),
    "LAB_MISSING": (order(ADULT, "warfarin", 5, "mg", "oral"), "note", order(facts(results={"INR": 1.1}), "warfarin", 5, "mg", "oral")),
    "QT": (
        order(facts(results={"QTC": 520.0}), "haloperidol", 2, "mg", "oral"),
        "significant",
        order(facts(results={"QTC": 430.0}), "haloperidol", 2, "mg", "oral"),
    ),
    "PREGNANCY_TEST": (
        order(facts(sex="female", age=30.0, tests=frozenset()), "methotrexate", 15, "mg", "oral"),
        "note",
        order(facts(sex="female", age=30.0, tests=frozenset({"HCG"})), "methotrexate", 15, "mg", "oral"),
    ),
    "CULTURE": (
        order(facts(problems=("septic_shock",), tests=frozenset()), "meropenem", 1000, "mg", "iv"),
        "note",
        order(facts(problems=("septic_shock",)), "meropenem", 1000, "mg", "iv"),
    ),
    "MONITORING": (order(ADULT, "heparin", 5600, "units", "iv"), "note", order(ADULT, "cetirizine", 10, "mg", "oral")),
    "HIGH_ALERT": (order(ADULT, "insulin", 8, "units", "iv"), "note", order(ADULT, "paracetamol", 1000, "mg", "oral")),
    "COMPATIBILITY": (
        order(facts(running=("calcium_gluconate",)), "ceftriaxone", 2000, "mg", "iv"),
        "note",
        order(facts(running=("crystalloid",)), "ceftriaxone", 2000, "mg", "iv"),
    ),
    "COVERAGE": (
        order(facts(problems=("urosepsis",)), "clindamycin", 600, "mg", "iv"),
        "note",
        order(facts(problems=("urosepsis",)), "ceftriaxone", 2000, "mg", "iv"),
    ),
    "RECONCILE": (
        order(facts(home_drugs=("lisinopril",)), "lisinopril", 10, "mg", "oral"),
        "note",
        order(facts(home_drugs=("amlodipine",)), "lisinopril", 10, "mg", "oral"),
    ),
    "DURATION": (order(ADULT, "ketorolac", 15, "mg", "iv", days=8.0), "significant", order(ADULT, "ketorolac", 15, "mg", "iv", days=3.0)),
    "SUBSTITUTE": (order(ADULT, "esomeprazole", 40, "mg", "oral"), "note", order(ADULT, "pantoprazole", 40, "mg", "oral")),
}


def found(case: Case) -> tuple[Finding, ...]:
    who, drug, dose, unit, route, directions = case
    formulary = load_formulary()
    return review(formulary.drugs[drug], dose, unit, route, who, formulary, directions)


@pytest.mark.parametrize("code", CASES)
def test_a_code_is_found_where_it_should_be_and_only_there(code: str) -> None:
    with_it, severity, without = CASES[code]
    assert [f.severity for f in found(with_it) if f.code == code] == [severity]
    assert not [f for f in found(without) if f.code == code]


def test_every_code_of_the_list_has_a_case_and_every_point_a_check() -> None:
    codes = [code for check in CHECKLIST for code in check.codes]
    assert sorted(codes) == sorted(CASES)
    assert len(codes) == len(set(codes))
    assert {check.point for check in CHECKLIST} == set(POINTS) == set(range(1, 21))


def test_a_check_returns_only_the_codes_that_it_declares() -> None:
    from clinsim.hospital.drug_facts import Proposal
    from clinsim.hospital.safety import in_unit_of

    formulary = load_formulary()
    for with_it, _, without in CASES.values():
        for who, drug, dose, unit, route, directions in (with_it, without):
            known = formulary.drugs[drug]
            proposal = Proposal(known, in_unit_of(known, dose, unit), unit, route, who, formulary, directions)
            for check in CHECKLIST:
                assert {f.code for f in check.look(proposal)} <= set(check.codes)


def test_every_code_that_can_matter_has_a_loss() -> None:
    priced = load_formulary().losses.by_code
    for code, (with_it, severity, _) in CASES.items():
        if severity != "note":
            assert code in priced, code
        assert total_loss(found(with_it)) <= 1.0


@given(
    drug=st.sampled_from(sorted(load_formulary().drugs)),
    given=st.floats(min_value=0.0, max_value=1e6),
    minutes=st.none() | st.floats(min_value=0.0, max_value=1e4),
    problems=st.lists(st.sampled_from(["cirrhosis", "septic_shock", "asthma", "dka"]), max_size=3),
)
def test_more_given_before_or_faster_is_never_safer(drug: str, given: float, minutes: float | None, problems: list[str]) -> None:
    rule = load_formulary().drugs[drug]
    route = rule.routes[0]
    dose = rule.usual(route, 70.0)
    assert dose is not None

    def loss(before: float, over: float | None) -> float:
        return total_loss(found((facts(given_today={drug: before}, problems=tuple(problems)), drug, dose, rule.unit, route, Directions(over))))

    assert loss(given, minutes) >= loss(given / 2.0, minutes)
    if minutes is not None:
        assert loss(given, minutes / 2.0) >= loss(given, minutes)


def test_findings_have_known_severities_and_sources() -> None:
    for with_it, _, _ in CASES.values():
        for finding in found(with_it):
            assert finding.severity in SEVERITIES
            assert finding.source
            assert finding.text


# What old age speaks against: (drug, dose, unit, route, changes of the facts, code). Source: AGS Beers criteria 2023, reasons in own words.
BEERS = {
    "first-generation antihistamine": ("diphenhydramine", 25, "mg", "oral", {}, "AGE"),
    "benzodiazepine": ("midazolam", 2, "mg", "iv", {}, "AGE"),
    "Z-drug": ("zolpidem", 5, "mg", "oral", {}, "AGE"),
    "tricyclic": ("amitriptyline", 25, "mg", "oral", {}, "AGE"),
    "antipsychotic in dementia": ("haloperidol", 2, "mg", "oral", {"problems": ("dementia",)}, "AGE"),
    "sulfonylurea": ("gliclazide", 80, "mg", "oral", {}, "AGE"),
    "sliding scale alone": ("insulin", 6, "units", "sc", {}, "AGE"),
    "starting warfarin": ("warfarin", 5, "mg", "oral", {}, "AGE"),
    "rivaroxaban for long": ("rivaroxaban", 20, "mg", "oral", {}, "AGE"),
    "dabigatran": ("dabigatran", 150, "mg", "oral", {}, "AGE"),
    "starting aspirin": ("aspirin", 75, "mg", "oral", {}, "AGE"),
    "chronic NSAID": ("naproxen", 500, "mg", "oral", {}, "AGE"),
    "metoclopramide": ("metoclopramide", 10, "mg", "oral", {}, "AGE"),
    "muscle relaxant": ("cyclobenzaprine", 5, "mg", "oral", {}, "AGE"),
    "meperidine": ("pethidine", 25, "mg", "iv", {}, "AGE"),
    "digoxin above 0.125 mg": ("digoxin", 0.25, "mg", "oral", {}, "AGE"),
    "nitrofurantoin with poor kidneys": ("nitrofurantoin", 100, "mg", "oral", {"egfr": 25.0}, "RENAL"),
    "opioid with gabapentinoid": ("oxycodone", 5, "mg", "oral", {"current_drugs": ("pregabalin",)}, "INTERACTION"),
    "opioid with benzodiazepine": ("oxycodone", 5, "mg", "oral", {"current_drugs": ("diazepam",)}, "INTERACTION"),
    "three that act on the brain": ("zolpidem", 5, "mg", "oral", {"current_drugs": ("mirtazapine", "gabapentin")}, "COMBINATION"),
}


@pytest.mark.parametrize("row", BEERS)
def test_old_age_is_thought_of(row: str) -> None:
    drug, dose, unit, route, changes, code = BEERS[row]
    old = found(order(facts(age=82.0, **changes), drug, dose, unit, route))
    assert code in {f.code for f in old}
    if code in ("AGE", "COMBINATION"):
        assert code not in {f.code for f in found(order(facts(age=45.0, **changes), drug, dose, unit, route))}


def test_a_proton_pump_inhibitor_for_months_is_thought_of() -> None:
    assert "DURATION" in {f.code for f in found(order(ADULT, "omeprazole", 20, "mg", "oral", days=90.0))}


# Allergy as charted, drug, how grave (None: nothing is said). Source: Khan, JACI 2022; Picard 2019; ACR manual on contrast media.
CROSSING = {
    "same side chain": ("amoxicillin", "cefadroxil", "significant"),
    "same side chain, the other way": ("cefalexin", "amoxicillin", "significant"),
    "another side chain": ("penicillin", "ceftriaxone", "note"),
    "a chain of its own": ("penicillin", "cefazolin", "note"),
    "third and fourth generation share one": ("ceftriaxone", "cefepime", "serious"),
    "carbapenem after penicillin": ("penicillin", "ertapenem", "note"),
    "aztreonam after penicillin": ("penicillin", "aztreonam", "note"),
    "aztreonam after ceftazidime": ("ceftazidime", "aztreonam", "serious"),
    "a severe delayed reaction blocks the class": ("penicillin:DRESS", "ceftriaxone", "serious"),
    "sulfonamide, furosemide": ("sulfonamide", "furosemide", "note"),
    "sulfonamide, celecoxib": ("sulfonamide", "celecoxib", "note"),
    "aspirin, ketorolac": ("aspirin", "ketorolac", "significant"),
    "angioedema, another of the class": ("ace_inhibitor_angioedema", "ramipril", "serious"),
    "angioedema, sacubitril": ("ace_inhibitor_angioedema", "sacubitril_valsartan", "serious"),
    "angioedema, a receptor blocker": ("ace_inhibitor_angioedema", "losartan", "note"),
    "contrast": ("contrast", "iodinated_contrast", "serious"),
    "shellfish": ("shellfish", "iodinated_contrast", "note"),
    "thrombocytopenia under heparin": ("heparin_hit", "enoxaparin", "serious"),
    "thrombocytopenia, another kind": ("heparin_hit", "argatroban", None),
    "egg": ("egg", "propofol", "note"),
    "sick from it": ("codeine:nausea", "morphine", "note"),
}


@pytest.mark.parametrize("case", CROSSING)
def test_what_crosses_and_what_does_not(case: str) -> None:
    allergy, name, severity = CROSSING[case]
    drug = load_formulary().drugs[name]
    dose = drug.usual(drug.routes[0], 70.0)
    assert dose is not None
    of_code = [f for f in found(order(facts(allergies=(allergy,)), name, dose, drug.unit, drug.routes[0])) if f.code == "ALLERGY"]
    assert max((f.severity for f in of_code), key=SEVERITIES.index, default=None) == severity


# Drug, filtration rate, the band that holds (None: the dose stands). Source: labels, ASHP 2020 for vancomycin.
BANDS = {
    ("piperacillin_tazobactam", 60.0): None, ("piperacillin_tazobactam", 30.0): "interval",
    ("cefepime", 45.0): "interval", ("cefepime", 8.0): "reduce",
    ("ceftriaxone", 5.0): None, ("meropenem", 40.0): "interval", ("meropenem", 8.0): "reduce", ("vancomycin", 30.0): "interval",
    ("levofloxacin", 40.0): "interval", ("trimethoprim_sulfamethoxazole", 20.0): "reduce", ("trimethoprim_sulfamethoxazole", 10.0): "avoid",
    ("aciclovir", 40.0): "interval", ("aciclovir", 8.0): "reduce", ("enoxaparin", 25.0): "interval", ("rivaroxaban", 45.0): "reduce",
    ("rivaroxaban", 10.0): "avoid", ("dabigatran", 20.0): "reduce", ("dabigatran", 10.0): "avoid", ("metformin", 40.0): "reduce",
    ("metformin", 25.0): "avoid", ("gabapentin", 20.0): "reduce", ("morphine", 25.0): "avoid", ("ibuprofen", 25.0): "avoid",
    ("nitrofurantoin", 25.0): "avoid", ("famotidine", 40.0): "reduce", ("digoxin", 40.0): "reduce", ("fondaparinux", 25.0): "avoid",
    ("phosphate_enema", 25.0): "avoid", ("magnesium_sulfate", 25.0): "reduce", ("allopurinol", 40.0): "reduce",
}  # fmt: skip


@pytest.mark.parametrize(("drug", "egfr"), BANDS)
def test_renal_bands(drug: str, egfr: float) -> None:
    band = load_formulary().drugs[drug].renal_band(egfr)
    assert (band.action if band else None) == BANDS[drug, egfr]


@given(
    st.sampled_from(sorted(load_formulary().drugs)),
    st.sampled_from(("iv", "oral", "im")),
    st.fixed_dictionaries(
        {},
        optional={
            "allergies": st.just(("penicillin:anaphylaxis", "sulfonamide")),
            "current_drugs": st.lists(st.sampled_from(sorted(load_formulary().drugs)), max_size=4).map(tuple),
            "home_drugs": st.just(("warfarin", "metoprolol")),
            "problems": st.just(("cirrhosis", "sepsis", "asthma")),
            "running": st.just(("ceftriaxone", "noradrenaline")),
            "pregnant": st.just(True),
            "lactating": st.just(True),
            "egfr": st.sampled_from((None, 12.0)),
            "age": st.sampled_from((None, 9.0, 82.0)),
            "results": st.just({"QTC": 510.0, "K": 6.9}),
            "given_today": st.just({"paracetamol": 4000.0, "morphine": 90.0}),
            "tests": st.just(frozenset({"K"})),
        },
    ),
)
def test_a_check_that_is_passed_over_would_have_found_nothing(drug: str, route: str, known: dict[str, Any]) -> None:
    formulary, who = load_formulary(), facts(**known)
    proposal = Proposal(formulary.drugs[drug], 2000.0, formulary.drugs[drug].unit, route, who, formulary, Directions(1.0, 90.0))
    looked = looks_at(proposal.drug.speaks_of, who.speaks_of)
    assert not [finding for check in CHECKLIST if check.look not in looked for finding in check.look(proposal)]
