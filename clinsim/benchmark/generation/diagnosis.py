"""Questions on working a patient up (`clinical_diagnosis`): the illness, the study that settles it, scores, who comes first."""

from __future__ import annotations

from collections.abc import Sequence

from clinsim.benchmark.generation.bedside import early_warning, last_values
from clinsim.benchmark.generation.charted import facts_of, filtration, plain
from clinsim.benchmark.generation.drafts import Draft, Template, choice, number, read
from clinsim.benchmark.generation.moments import Moment
from clinsim.condition_file import Condition, load_conditions
from clinsim.hospital.reconciliation import decisions
from clinsim.hospital.safety import load_formulary, review, worst
from clinsim.hospital.studies import load_imaging

DOMAIN = "clinical_diagnosis"
ANTIBIOTICS = (
    "amoxicillin_clavulanate",
    "ceftriaxone",
    "clarithromycin",
    "doxycycline",
    "levofloxacin",
    "trimethoprim_sulfamethoxazole",
    "flucloxacillin",
)
SETTLES = 0.7
"""Sensitivity from which on a study settles the question."""


def _reads(moment: Moment, *names: str) -> list[dict[str, object]]:
    return [read(name, patient_id=moment.id) for name in names]


def illness(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """Which illness it is; asked only where the team, from the same chart, has named the true one."""
    true, complaint = moment.truth.condition, moment.chart.complaint
    if moment.chart.diagnosis != true.id:
        return None
    sheets = [sheet for sheet in load_conditions().values() if sheet.id != true.id]
    weights = [(share, sheet.id) for sheet in sheets for name, share in sheet.complaints.items() if name == complaint]
    rivals = [name for weight, name in sorted(weights, key=lambda row: (-row[0], row[1])) if weight > 0][:4]
    if len(rivals) < 3:
        return None
    ticket = f"Patient {moment.id} ({moment.chart.age} years, {moment.chart.sex}, {plain(complaint)}). Which illness does the record show?"
    gold = _reads(moment, "get_lab_results", "get_clinical_notes", "get_vital_signs_trend")
    return choice(
        ticket,
        [moment],
        gold,
        plain(true.id),
        map(plain, rivals),
        f"True condition of the shift: {true.id}; the team named it at this minute.",
        "hard",
    )


def _sensitivity(sheet: Condition, study: str) -> float:
    return max((line.sensitivity.value for line in sheet.imaging if line.study == study), default=0.0)


def settling_study(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """Which study would settle the suspicion that the team holds first."""
    true = moment.truth.condition
    named = moment.chart.diagnosis
    studies = load_imaging().studies
    best = max(studies, key=lambda code: (_sensitivity(true, code), code))
    if named != true.id or _sensitivity(true, best) < SETTLES:
        return None
    wrong = [code for code in studies if _sensitivity(true, code) == 0.0][:3]
    ticket = f"Patient {moment.id}. Which of these studies is most likely to show the illness that the record points to?"
    gold = _reads(moment, "get_clinical_notes", "get_lab_results")
    title = {code: rule.title for code, rule in studies.items()}
    why = f"{true.id}: sensitivity of {best} {_sensitivity(true, best):.2f}, none of the others shows it."
    return choice(ticket, [moment], gold, title[best], [title[code] for code in wrong], why, "hard")


def quick_sofa(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """The highest qSOFA so far."""
    points = [(row.rr >= 22) + (row.sbp <= 100) + (row.gcs < 15) for row in moment.chart.vitals]
    if not max(points):
        return None
    ticket = f"Patient {moment.id}. What is the highest qSOFA of any single set of vital signs so far?"
    call = read("get_vital_signs_trend", patient_id=moment.id) | {
        "arguments": {"patient_id": moment.id, "num_readings": 50},
        "compare": {"num_readings": "free"},
    }
    return number(ticket, moment, [call], "qSOFA", int(max(points)), "Rate 22 or more, pressure 100 or less, coma scale below 15.")


def inflammatory_response(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """SIRS criteria now."""
    row, held = moment.chart.vitals[-1], last_values(moment)
    if "WBC" not in held:
        return None
    points = (row.temp > 38 or row.temp < 36) + (row.hr > 90) + (row.rr > 20) + (held["WBC"] > 12 or held["WBC"] < 4)
    ticket = f"Patient {moment.id}. How many SIRS criteria are met by the last set of vital signs and the white cells (WBC) taken last?"
    return number(
        ticket, moment, _reads(moment, "get_vital_signs", "get_lab_results"), "SIRS", int(points), "Bone 1992, four criteria; PCO2 left out."
    )


def pneumonia_score(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """CURB-65 without a diastolic pressure, in those with pneumonia."""
    row, held = moment.chart.vitals[0], last_values(moment)
    if "BUN" not in held or moment.truth.condition.id not in ("community_pneumonia", "septic_shock"):
        return None
    points = (row.gcs < 15) + (held["BUN"] > 19) + (row.rr >= 30) + (row.sbp < 90) + (moment.chart.age >= 65)
    ticket = (
        f"Patient {moment.id} is treated for pneumonia. What is CURB-65 by the first set of vital signs and the urea (BUN) taken last? A coma scale "
        "below 15 counts as confusion; diastolic pressure is not charted and counts as normal."
    )
    call = read("get_vital_signs_trend", patient_id=moment.id) | {
        "arguments": {"patient_id": moment.id, "num_readings": 50},
        "compare": {"num_readings": "free"},
    }
    return number(
        ticket,
        moment,
        [call, *_reads(moment, "get_lab_results")],
        "CURB-65",
        int(points),
        f"Age {moment.chart.age}, BUN {held['BUN']:g}, rate {row.rr:g}.",
    )


def who_first(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """Who of three is sickest by NEWS2."""
    three = [moment, *others[:2]]
    totals = sorted(((early_warning(one.chart.vitals[-1], one).total, one.id) for one in three), reverse=True)
    if len(three) < 3 or totals[0][0] < totals[1][0] + 1 or any(one.on_oxygen for one in three):
        return None
    ticket = f"Patients {', '.join(one.id for one in three)} wait, all on air. Who has the highest NEWS2 (scale 1) by the last set of vital signs?"
    gold = [call for one in three for call in _reads(one, "get_vital_signs")]
    return choice(ticket, three, gold, totals[0][1], [name for _, name in totals[1:]], f"NEWS2 {totals}.")


def suits(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """Which antibiotic may be given as it is, with allergies, kidneys and home drugs."""
    facts, formulary = facts_of(moment), load_formulary()
    grave: list[str] = []
    fine: list[str] = []
    for name in ANTIBIOTICS:
        drug = formulary.drugs[name]
        dose = drug.usual(drug.routes[0], facts.weight_kg)
        found = review(drug, dose or 0.0, drug.unit, drug.routes[0], facts, formulary)
        (fine if worst(found) in (None, "note") else grave).append(name)
    if len(grave) < 2 or not fine:
        return None
    ticket = (
        f"Patient {moment.id} (filtration rate {filtration(moment):.0f}) needs an antibiotic, and all of these would cover. Which one can be given "
        "in its usual dose without a query, in view of allergies, kidneys, pregnancy and home drugs?"
    )
    gold = _reads(moment, "get_patient_info")
    gold[0]["or"] = _reads(moment, "get_medications", "get_allergy_list")
    return choice(ticket, [moment], gold, plain(fine[0]), map(plain, grave[:3]), f"The checklist queries {', '.join(grave[:3])}.", "hard")


def home_drugs_to_stop(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """How many home drugs must not simply go on, by the checklist of the house."""
    facts, home = facts_of(moment), moment.chart.home_drugs
    rows = decisions(home, (), facts, load_formulary())
    held = [row for row in rows if row.decision in ("hold", "reduce")]
    if not held or len(rows) < 2:
        return None
    ticket = (
        f"Patient {moment.id} (filtration rate {filtration(moment):.0f}). Medication reconciliation by formulary: how many of the home drugs, "
        "each in its usual dose, must not simply go on, for a drug that is taken with it, an allergy, an illness, age or kidneys?"
    )
    why = "; ".join(f"{row.drug}: {row.decision}, {row.reason}" for row in held)
    return number(ticket, moment, _reads(moment, "get_medications"), "Number of home drugs to change", len(held), why, difficulty="hard")


HOUSE = "formulary of the house"
TEMPLATES = (
    Template("shift-illness", DOMAIN, "train", "diagnosed", "truth of the shift", illness),
    Template("shift-settling-study", DOMAIN, "test", "diagnosed", "condition sheets of the house", settling_study),
    Template("shift-qsofa", DOMAIN, "train", "worked", "Seymour, JAMA 2016;315:762", quick_sofa),
    Template("shift-sirs", DOMAIN, "heldout", "worked", "Bone, Chest 1992;101:1644", inflammatory_response),
    Template("shift-curb65", DOMAIN, "train", "worked", "Lim, Thorax 2003;58:377", pneumonia_score),
    Template("shift-who-first", DOMAIN, "test", "worked", "Royal College of Physicians, NEWS2, 2017", who_first),
    Template("shift-antibiotic", DOMAIN, "heldout", "worked", HOUSE, suits),
    Template("shift-home-drugs", DOMAIN, "train", "door", HOUSE, home_drugs_to_stop),
)
"""Questions of working up."""
