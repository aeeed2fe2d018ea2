"""Pairs of drugs: the ONC high-priority classes one by one, what stops a pharmacist in hospital, and what must not interrupt."""

import pytest

from clinsim.formulary_file import Formulary
from clinsim.hospital.safety import PatientFacts, interaction, load_formulary, review

ONC_HIGH_PRIORITY = {
    "amphetamine-type or atomoxetine x MAOI": [
        ("dexamfetamine", "phenelzine"),
        ("methylphenidate", "selegiline"),
        ("atomoxetine", "tranylcypromine"),
    ],
    "atazanavir x proton pump inhibitor": [("atazanavir", "omeprazole"), ("atazanavir", "pantoprazole")],
    "febuxostat x azathioprine or mercaptopurine": [("febuxostat", "azathioprine"), ("febuxostat", "mercaptopurine")],
    "SSRI or SNRI x MAOI": [
        ("sertraline", "linezolid"),
        ("fluoxetine", "phenelzine"),
        ("venlafaxine", "methylthioninium"),
        ("duloxetine", "selegiline"),
    ],
    "irinotecan x strong CYP3A4 inhibitor": [("irinotecan", "itraconazole"), ("irinotecan", "clarithromycin"), ("irinotecan", "ritonavir")],
    "serotonergic opioid x MAOI": [
        (opioid, "phenelzine") for opioid in ("pethidine", "methadone", "tapentadol", "fentanyl", "tramadol", "dextromethorphan")
    ],
    "tricyclic x MAOI": [("amitriptyline", "tranylcypromine"), ("nortriptyline", "linezolid")],
    "QT-prolonger x QT-prolonger": [("haloperidol", "methadone"), ("sotalol", "erythromycin"), ("citalopram", "ondansetron")],
    "ramelteon x strong CYP1A2 inhibitor": [("ramelteon", "fluvoxamine"), ("ramelteon", "ciprofloxacin")],
    "protease inhibitor x strong CYP3A4 inducer": [("atazanavir", "rifampicin"), ("darunavir", "carbamazepine"), ("ritonavir", "St. John's wort")],
    "simvastatin or lovastatin x strong CYP3A4 inhibitor": [
        ("simvastatin", "clarithromycin"),
        ("lovastatin", "voriconazole"),
        ("simvastatin", "ritonavir"),
    ],
    "ergot x CYP3A4 inhibitor": [("ergotamine", "erythromycin"), ("ergotamine", "fluconazole"), ("ergotamine", "diltiazem")],
    "tizanidine x CYP1A2 inhibitor": [("tizanidine", "ciprofloxacin"), ("tizanidine", "fluvoxamine")],
    "tranylcypromine x procarbazine": [("tranylcypromine", "procarbazine")],
    "triptan x MAOI": [("sumatriptan", "phenelzine"), ("rizatriptan", "linezolid")],
}
"""The fifteen class pairs. Source: Phansalkar, JAMIA 2012;19:735; linezolid and methylene blue as inhibitors by their labels."""

IN_HOSPITAL = {
    "major": [
        ("warfarin", "trimethoprim_sulfamethoxazole"),
        ("warfarin", "metronidazole"),
        ("warfarin", "fluconazole"),
        ("warfarin", "amiodarone"),
        ("apixaban", "clarithromycin"),
        ("rivaroxaban", "rifampicin"),
        ("dabigatran", "itraconazole"),
        ("lisinopril", "spironolactone"),
        ("losartan", "potassium_chloride"),
        ("ramipril", "trimethoprim_sulfamethoxazole"),
        ("morphine", "lorazepam"),
        ("lithium", "ibuprofen"),
        ("lithium", "enalapril"),
        ("lithium", "hydrochlorothiazide"),
        ("digoxin", "amiodarone"),
        ("digoxin", "clarithromycin"),
        ("clopidogrel", "omeprazole"),
        ("metoprolol", "verapamil"),
        ("clozapine", "carbamazepine"),
        ("gliclazide", "fluconazole"),
        ("theophylline", "ciprofloxacin"),
        ("heparin", "alteplase"),
        ("tamoxifen", "paroxetine"),
        ("tacrolimus", "voriconazole"),
    ],
    "contraindicated": [
        ("lisinopril", "sacubitril_valsartan"),
        ("glyceryl_trinitrate", "sildenafil"),
        ("isosorbide_mononitrate", "tadalafil"),
        ("methotrexate", "trimethoprim_sulfamethoxazole"),
        ("valproate", "meropenem"),
        ("valproate", "ertapenem"),
        ("colchicine", "clarithromycin"),
        ("alteplase", "apixaban"),
        ("spironolactone", "potassium_chloride"),
    ],
    "moderate": [
        ("vancomycin", "piperacillin_tazobactam"),
        ("ceftriaxone", "calcium_gluconate"),
        ("lisinopril", "ibuprofen"),
        ("furosemide", "ibuprofen"),
    ],
    "suppressed": [("warfarin", "paracetamol"), ("metoprolol", "insulin"), ("levothyroxine", "pantoprazole"), ("lisinopril", "amlodipine")],
}
"""What a pharmacist stops, and what must not interrupt, with conditions taken as met."""


@pytest.mark.parametrize("classes", ONC_HIGH_PRIORITY)
def test_every_onc_class_pair_is_covered(classes: str) -> None:
    worst = "major" if "QT" in classes else "contraindicated"  # two QT drugs are often wanted: that row has a condition
    for a, b in ONC_HIGH_PRIORITY[classes]:
        found = interaction(a, b)
        assert found.known, (a, b)
        assert found.tier == worst == interaction(b, a).tier, (a, b, found)


def test_the_list_has_its_fifteen_class_pairs() -> None:
    assert len(ONC_HIGH_PRIORITY) == 15


@pytest.mark.parametrize("tier", IN_HOSPITAL)
def test_pairs_of_the_ward_have_their_tier(tier: str) -> None:
    for a, b in IN_HOSPITAL[tier]:
        found = interaction(a, b)
        assert (found.known, found.tier) == (True, tier), (a, b, found.tier)


@pytest.fixture
def formulary() -> Formulary:
    return load_formulary()


def test_two_qt_drugs_interrupt_only_with_a_long_qtc_or_a_low_potassium(formulary: Formulary) -> None:
    for results, severity in (({}, "note"), ({"QTC": 440.0, "K": 4.0}, "note"), ({"QTC": 490.0}, "significant"), ({"K": 3.1}, "significant")):
        facts = PatientFacts(current_drugs=("haloperidol",), egfr=90.0, weight_kg=70.0, age=50.0, results=results)
        found = review(formulary.drugs["azithromycin"], 500, "mg", "oral", facts, formulary)
        assert [f.severity for f in found if f.code == "INTERACTION"] == [severity], results


def test_a_pair_may_depend_on_the_dose(formulary: Formulary) -> None:
    facts = PatientFacts(current_drugs=("amlodipine",), egfr=90.0, weight_kg=70.0, age=50.0)
    for dose, severity in ((20, "note"), (40, "significant")):
        found = review(formulary.drugs["simvastatin"], dose, "mg", "oral", facts, formulary)
        assert [f.severity for f in found if f.code == "INTERACTION"] == [severity], dose


def test_every_row_says_why_and_what_to_do(formulary: Formulary) -> None:
    lacking = [row.between for row in formulary.interactions if not (row.mechanism and row.management and row.text)]
    assert not lacking


def test_every_drug_can_be_read_about(formulary: Formulary) -> None:
    for drug in formulary.drugs.values():
        assert drug.uses, drug.name
        assert drug.mechanism, drug.name
        assert drug.adverse, drug.name
        assert (drug.qt == "known") == ("qt_prolonging" in drug.classes), drug.name
        assert drug.hepatic.action == "allowed" or drug.hepatic.text, drug.name
        assert not drug.substitute or drug.substitute in formulary.drugs, drug.name
        most = [rule.within(rule.usual, 70.0) for rule in drug.doses.values()]
        assert drug.daily_max is None or all(amount is not None and amount <= drug.daily_max for amount in most), drug.name
    assert len(formulary.drugs) >= 150
