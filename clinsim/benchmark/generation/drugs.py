"""Questions for the pharmacist (`drug_interaction`): orders of the shift to pass or to stop, kidneys, pairs, what can be added."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from clinsim.benchmark.generation.charted import facts_of, filtration, plain
from clinsim.benchmark.generation.drafts import Draft, Template, choice, number, read
from clinsim.benchmark.generation.moments import Moment
from clinsim.hospital.safety import interaction, load_formulary, review

DOMAIN = "drug_interaction"
KINDS = {
    "ALLERGY": "stop: allergy",
    "DUPLICATE": "stop: duplicate of a drug that is taken already",
    "INTERACTION": "stop: interaction",
    "RENAL": "stop: kidneys",
    "OVERDOSE": "stop: too much in one dose",
    "UNDERDOSE": "stop: too little in one dose",
    "DAILY_DOSE": "stop: too much in one dose",
    "ROUTE": "stop: wrong route",
}
"""Why an order is stopped, by the code of the check."""
PASS = "pass as written"
GRAVE = ("contraindicated", "major")
ADDED = ("clarithromycin", "fluconazole", "ibuprofen", "paracetamol", "omeprazole", "trimethoprim_sulfamethoxazole", "sertraline", "amiodarone",
         "cefalexin", "furosemide", "doxycycline", "tramadol")  # fmt: skip
"""Drugs that a ward often adds."""
CLEARED = ("enoxaparin", "vancomycin", "levofloxacin", "gabapentin", "metformin", "digoxin", "cefepime", "aciclovir", "meropenem", "allopurinol",
           "spironolactone", "nitrofurantoin", "morphine", "dabigatran", "pregabalin")  # fmt: skip
"""Drugs that leave by the kidney, for the question on doses."""


def _list(moment: Moment) -> dict[str, object]:
    return read("get_patient_medications", patient_id=moment.id)


def order_to_verify(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """An order of the shift that waits to be verified, right or with the slip that its prescriber made."""
    line, formulary = moment.order, load_formulary()
    drug = formulary.find(line.code) if line else None
    if line is None or drug is None or line.amount is None or line.route not in drug.routes:
        return None
    found = [row for row in review(drug, line.amount, line.unit, line.route, facts_of(moment), formulary) if row.severity != "note"]
    codes = {row.code for row in found}
    if not codes <= set(KINDS) or len({KINDS[code] for code in codes}) > 1:
        return None
    right = KINDS[codes.pop()] if codes else PASS
    wrong = [text for text in dict.fromkeys((PASS, *KINDS.values())) if text != right][:5]
    ticket = (
        f"Order to verify for {moment.id}: {plain(drug.name)} {line.amount:g} {line.unit} {line.route}. It is new and not yet on the list of drugs. "
        "Judged by formulary and chart, what becomes of it?"
    )
    why = found[0].text if found else "The checklist finds nothing worth a query."
    return choice(ticket, [moment], [_list(moment)], right, wrong, why, "hard" if found else "medium")


def _kidney(name: str, egfr: float) -> str:
    band = load_formulary().drugs[name].renal_band(egfr)
    return f"{band.action}: {band.text}" if band else "no change"


def dose_for_kidneys(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """Which of four drugs needs no change at the charted filtration rate."""
    told = {name: _kidney(name, filtration(moment)) for name in CLEARED}
    same = [name for name, text in told.items() if text == "no change"]
    changed = [name for name, text in told.items() if text != "no change"]
    if len(changed) < 3 or not same:
        return None
    k = int(filtration(moment)) % len(same)
    wrong = [plain(changed[(k + step) % len(changed)]) for step in range(3)]
    ticket = f"For {moment.id}: which of these drugs needs no change of dose or choice at the charted filtration rate?"
    return choice(ticket, [moment], [_list(moment)], plain(same[k]), wrong, f"eGFR {filtration(moment):.0f}: {told}"[:300])


def reduced_share(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """What share of the usual dose a drug is reduced to."""
    drugs, egfr = load_formulary().drugs, filtration(moment)
    held = [
        (name, band) for name in CLEARED if (band := drugs[name].renal_band(egfr)) and band.action == "reduce" and band.fraction and band.fraction < 1
    ]
    if not held:
        return None
    name, band = held[moment.seed % len(held)]
    drug = drugs[name]
    usual = drug.usual(drug.routes[0], moment.chart.weight_kg)
    if usual is None:
        return None
    ticket = (
        f"{moment.id} is to have {plain(name)}; the usual single dose would be {usual:g} {drug.unit}. What single dose, in {drug.unit}, "
        "remains after the reduction that the formulary asks for at the charted filtration rate?"
    )
    return number(ticket, moment, [_list(moment), read("calculate_renal_dose_adjustment", drug_name=plain(name))
                  | {"arguments": {"drug_name": plain(name), "gfr": round(egfr)}, "compare": {"gfr": "free"}}], "Dose", float(usual * band.fraction),
                  f"Below {band.below:g}: {band.fraction:g} of the dose.", rounded=False)  # fmt: skip


def grave_pairs(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """How many pairs on the list are of a given tier."""
    pairs = [interaction(a, b) for a, b in combinations(moment.chart.home_drugs, 2)]
    count = sum(row.tier == "moderate" for row in pairs)
    if count < 1 or len(pairs) < 6:
        return None
    ticket = f"For {moment.id}: how many pairs of drugs on the list does the knowledge base hold as moderate, neither more nor less?"
    return number(
        ticket,
        moment,
        [read("check_all_interactions", patient_id=moment.id)],
        "Number of moderate pairs",
        count,
        f"Of {len(pairs)} pairs.",
        difficulty="easy",
    )


def can_be_added(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """Which of four drugs meets no grave interaction on the list."""
    tiers = {name: [interaction(name, drug).tier for drug in moment.chart.home_drugs] for name in ADDED if name not in moment.chart.home_drugs}
    grave = [name for name, held in tiers.items() if set(held) & set(GRAVE)]
    clear = [name for name, held in tiers.items() if not set(held) & set(GRAVE)]
    if len(grave) < 3 or not clear:
        return None
    k = moment.seed % len(clear)
    ticket = f"For {moment.id}: which of these drugs could be added without a pair that is contraindicated or major?"
    wrong = [plain(name) for name in grave[:3]]
    return choice(ticket, [moment], [_list(moment)], plain(clear[k]), wrong, f"Grave with the list: {', '.join(grave)}.")


def one_culprit(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """Which drug on the list is part of most pairs worth a query."""
    home = moment.chart.home_drugs
    pairs = [(a, b) for a, b in combinations(home, 2) if interaction(a, b).tier in (*GRAVE, "moderate")]
    times = sorted(((sum(name in pair for pair in pairs), name) for name in home), reverse=True)
    if len(home) < 4 or times[0][0] < 2 or times[0][0] == times[1][0]:
        return None
    ticket = f"For {moment.id}: which drug on the list is part of the most pairs that are moderate or graver?"
    wrong = [plain(name) for _, name in times[1:4]]
    return choice(ticket, [moment], [read("check_all_interactions", patient_id=moment.id)], plain(times[0][1]), wrong, f"Counts {times}.")


HOUSE = "formulary of the house"
TEMPLATES = (
    Template("shift-verify", DOMAIN, "train", "order", HOUSE, order_to_verify),
    Template("shift-no-change", DOMAIN, "train", "door", HOUSE, dose_for_kidneys),
    Template("shift-reduced-dose", DOMAIN, "test", "door", HOUSE, reduced_share),
    Template("shift-moderate-pairs", DOMAIN, "train", "door", HOUSE, grave_pairs),
    Template("shift-can-be-added", DOMAIN, "heldout", "door", HOUSE, can_be_added),
    Template("shift-culprit", DOMAIN, "test", "door", HOUSE, one_culprit),
)
"""Questions for the pharmacist."""
