"""Questions on vital signs and results of a followed chart (`ehr_management`) and at the door (`triage_emergency`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from clinsim.benchmark.generation.charted import clock
from clinsim.benchmark.generation.drafts import Draft, Template, choice, number, read
from clinsim.benchmark.generation.moments import Moment
from clinsim.hospital.calculators.acid_base import corrected_sodium, osmolality, winter_paco2
from clinsim.hospital.calculators.kidney import ckd_epi_2021
from clinsim.hospital.calculators.news2 import News2, news2
from clinsim.hospital.charts import ResultLine, VitalSet

EHR, TRIAGE = "ehr_management", "triage_emergency"
ALL_SETS = 50
CLOSELY = 0.002
"""Tolerance where the value before the correction lies within a few percent of the one after it."""
DESATURATED, FEVER = 94.0, 38.0
DANGER_HEART, DANGER_BREATH, DANGER_SATURATION = 100.0, 20.0, 92.0
"""Danger zone of adults. Source: ENA, ESI handbook, version 4, decision point D."""
RED, HIGH = 3, 7
Values = dict[str, float]


def early_warning(row: VitalSet, moment: Moment) -> News2:
    """NEWS2 of a set of vital signs on scale 1."""
    return news2(rr=row.rr, spo2=row.spo2, sbp=row.sbp, hr=row.hr, temp=row.temp, gcs=row.gcs, on_oxygen=moment.on_oxygen)


def last_values(moment: Moment) -> Values:
    """The last value of each analyte that is a number, by the minute that it was taken."""
    rows = sorted((row for row in moment.chart.results if not isinstance(row.value, str)), key=lambda row: row.taken_at)
    return {row.analyte: float(row.value) for row in rows}


def signs(moment: Moment) -> dict[str, object]:
    """The reading call for all vital signs of an admission."""
    return read("get_vital_signs", hadm_id=moment.id) | {"arguments": {"hadm_id": moment.id, "last_n": ALL_SETS}, "compare": {"last_n": "free"}}


def labs(moment: Moment) -> dict[str, object]:
    """The reading call for all results of an admission."""
    return read("get_lab_results", hadm_id=moment.id) | {"arguments": {"hadm_id": moment.id, "last_n": ALL_SETS}, "compare": {"last_n": "free"}}


def _of_signs(label: str, ask: str, value: Callable[[Moment], float | int | None], difficulty: str = "medium") -> Callable[..., Draft | None]:
    def write(moment: Moment, others: Sequence[Moment]) -> Draft | None:
        found = value(moment)
        if found is None:
            return None
        ticket = f"Admission {moment.id}. {ask} Use every charted set of vital signs."
        return number(ticket, moment, [signs(moment)], label, found, "Worked out from the charted sets.", difficulty=difficulty)

    return write


def _of_values(
    label: str, ask: str, needs: Sequence[str], value: Callable[[Moment, Values], float | None], tolerance: float = 0.02
) -> Callable[..., Draft | None]:
    def write(moment: Moment, others: Sequence[Moment]) -> Draft | None:
        held = last_values(moment)
        if any(name not in held for name in needs):
            return None
        found = value(moment, held)
        ticket = f"Admission {moment.id}. {ask} Use the value that was taken last where there are several."
        shown = ", ".join(f"{name} {held[name]:g}" for name in needs)
        return None if found is None else number(ticket, moment, [labs(moment)], label, found, f"From {shown}.", tolerance)

    return write


def _shock_index(moment: Moment) -> float:
    return max(row.hr / row.sbp for row in moment.chart.vitals)


def _worst_warning(moment: Moment) -> int | None:
    totals = [early_warning(row, moment).total for row in moment.chart.vitals]
    return max(totals) if max(totals) > totals[-1] else None


def _pressure_fall(moment: Moment) -> int | None:
    rows = [row.sbp for row in moment.chart.vitals]
    fall = round(rows[0] - min(rows))
    return fall if fall >= 5 and all(value == round(value) for value in rows) else None


def _desaturations(moment: Moment) -> int | None:
    return sum(row.spo2 < DESATURATED for row in moment.chart.vitals) or None


def _longest_gap(moment: Moment) -> int | None:
    minutes = [int(row.minute) for row in moment.chart.vitals]
    return max(b - a for a, b in pairwise(minutes))


def _fevers(moment: Moment) -> int | None:
    return sum(row.temp >= FEVER for row in moment.chart.vitals) or None


def _pulse_rise(moment: Moment) -> float:
    rows = [row.hr for row in moment.chart.vitals]
    half = len(rows) // 2
    return sum(rows[half:]) / len(rows[half:]) / (sum(rows[:half]) / half)


def _osmolality(moment: Moment, held: Values) -> float:
    return float(osmolality(held["NA"], held["GLU"], held["BUN"]).value or 0.0)


def _sodium(moment: Moment, held: Values) -> float | None:
    return float(corrected_sodium(held["NA"], held["GLU"]).value or 0.0) if held["GLU"] > 110 else None


def _filtration(moment: Moment, held: Values) -> float:
    return float(ckd_epi_2021("female" if moment.chart.sex == "female" else "male", float(moment.chart.age), held["CREAT"]).value or 0.0)


def _ratio(moment: Moment, held: Values) -> float:
    return held["BUN"] / held["CREAT"]


def compensation(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """Whether the breathing fits a metabolic acidosis, by Winter's formula."""
    held = last_values(moment)
    if not {"HCO3", "PCO2"} <= set(held) or held["HCO3"] >= 22:
        return None
    found = winter_paco2(held["HCO3"], held["PCO2"])
    kinds = ("appropriate compensation", "respiratory acidosis beside it", "respiratory alkalosis beside it")
    ticket = (
        f"Admission {moment.id}. By Winter's formula, how does the last PCO2 stand to the last HCO3 of the blood gas (both count as arterial here)?"
    )
    why = f"Expected {found.value:.1f} mmHg, measured {held['PCO2']:g}."
    return choice(ticket, [moment], [labs(moment)], found.interpretation, [kind for kind in kinds if kind != found.interpretation], why)


def flagged(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """How many of the results on file are critical by the limits in the ticket."""
    rows = [row for row in moment.chart.results if not isinstance(row.value, str)]
    count = sum(_is_critical(row) for row in rows)
    if not count:
        return None
    limits = (
        "K below 2.8 or above 6.0, NA below 125 or above 155, LACTATE above 4, PH below 7.25, GLU below 54 or above 400, HB below 7, PLT below 50"
    )
    ticket = f"Admission {moment.id}. The house calls these results critical: {limits}. How many single results on file are critical (repeats count)?"
    return number(ticket, moment, [labs(moment)], "Number of critical results", count, "Each result on file held against the limits.")


LIMITS = {
    "K": (2.8, 6.0),
    "NA": (125.0, 155.0),
    "LACTATE": (0.0, 4.0),
    "PH": (7.25, 9.0),
    "GLU": (54.0, 400.0),
    "HB": (7.0, 99.0),
    "PLT": (50.0, 9999.0),
}
"""Limits of this question (assumption; not those of the laboratory)."""


def _is_critical(row: ResultLine) -> bool:
    low, high = LIMITS.get(row.analyte, (float("-inf"), float("inf")))
    return not low <= float(row.value) <= high


def first_low(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """When a NEWS2 of five or more was first charted."""
    rows = moment.chart.vitals
    reached = next((k for k, row in enumerate(rows) if early_warning(row, moment).total >= 5), None)
    times = [clock(row.minute) for row in rows]
    if not reached or len(set(times)) < len(times):
        return None
    wrong = [time for time in dict.fromkeys(times) if time != times[reached]][:3]
    oxygen = "with oxygen running throughout" if moment.on_oxygen else "on air throughout"
    ticket = f"Admission {moment.id} ({oxygen}). At what time was a NEWS2 of 5 or more (scale 1) first charted?"
    return choice(ticket, [moment], [signs(moment)], times[reached], wrong, "NEWS2 of each set in order.", "hard")


def _door(moment: Moment, ticket: str, level: int, place: str, why: str) -> Draft:
    told = f"Patient {moment.id} at the door. {ticket}"
    gold = (
        read("get_patient_presentation", patient_id=moment.id)
        | {"or": [read("get_vital_signs", patient_id=moment.id), read("assess_airway_breathing", patient_id=moment.id)]},
        {"name": "submit_answer", "arguments": {"esi_level": level, "disposition": place, "reasoning": why}},
    )
    return Draft(told, (moment,), gold, {}, why)


def danger_zone(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """Whether signs in the danger zone lift level 3 to level 2."""
    row = moment.chart.vitals[0]
    if moment.truth.true_esi not in (2, 3):
        return None
    beyond = row.hr > DANGER_HEART or row.rr > DANGER_BREATH or row.spo2 < DANGER_SATURATION
    ticket = (
        "Two kinds of resource are expected, nothing is immediately life-saving and the story is not of high risk. Apply decision point D of ESI 4 "
        "and lift to level 2 if any sign lies in the danger zone. Disposition: 'bay one' for level 2, 'row seat' for level 3."
    )
    return _door(
        moment, ticket, 2 if beyond else 3, "bay one" if beyond else "row seat", f"Heart rate {row.hr:g}, rate {row.rr:g}, saturation {row.spo2:g}."
    )


def where_to(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """Where a patient is taken, by NEWS2 alone."""
    score = early_warning(moment.chart.vitals[0], moment)
    red = RED in score.components.values()
    level, place = (2, "red room") if score.total >= HIGH else (3, "amber room") if score.total >= 5 or red else (4, "green room")
    ticket = (
        "Tonight the house goes by NEWS2 (scale 1) alone. 7 or more: level 2, disposition 'red room'. 5 or 6, or any single sign of 3 points: "
        "level 3, 'amber room'. Anything else: level 4, 'green room'."
    )
    return _door(moment, ticket, level, place, f"NEWS2 is {score.total}.")


def watch_every(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """How a patient waits, by shock index and age."""
    row = moment.chart.vitals[0]
    index = row.hr / row.sbp
    level, place = (2, "monitored chair") if index >= 0.9 else (3, "watched chair") if moment.chart.age >= 65 or index >= 0.7 else (4, "plain chair")
    ticket = (
        "All beds are full, and those who wait are placed by shock index (heart rate over systolic pressure) and age. Index 0.9 or more: level 2, "
        "disposition 'monitored chair'. Index 0.7 or more, or age 65 or more: level 3, 'watched chair'. Anybody else: level 4, 'plain chair'."
    )
    return _door(moment, ticket, level, place, f"Index {index:.2f}, age {moment.chart.age}.")


RCP, CHART = "Royal College of Physicians, NEWS2, 2017", "the charted values"
TEMPLATES = (
    Template("shift-shock-index", EHR, "train", "long", "Allgower 1967; " + CHART,
             _of_signs("Highest shock index", "What was the highest shock index (heart rate over systolic pressure)?", _shock_index)),
    Template("shift-worst-news2", EHR, "test", "long", RCP,
             _of_signs("Highest NEWS2", "What was the highest NEWS2 (scale 1; above 0.21 is oxygen)?", _worst_warning, "hard")),
    Template("shift-pressure-fall", EHR, "train", "long", CHART,
             _of_signs("Fall in mmHg", "By how many mmHg did systolic pressure fall from the first set to its lowest?", _pressure_fall, "easy")),
    Template("shift-desaturations", EHR, "heldout", "long", CHART,
             _of_signs("Number of sets", "In how many sets was saturation below 94 %?", _desaturations, "easy")),
    Template("shift-longest-gap", EHR, "train", "long", CHART,
             _of_signs("Longest gap in minutes", "What was the longest gap, in minutes, between two sets in a row?", _longest_gap)),
    Template("shift-fevers", EHR, "train", "long", CHART,
             _of_signs("Number of febrile sets", "In how many sets was the temperature 38.0 °C or more?", _fevers, "easy")),
    Template("shift-pulse-halves", EHR, "test", "long", CHART,
             _of_signs("Ratio of pulses", "Split the sets in two halves by time (an odd one goes to the later half). Mean heart rate of the "
                       "later half over that of the earlier half?", _pulse_rise, "hard")),
    Template("shift-first-news2", EHR, "heldout", "long", RCP, first_low),
    Template("shift-osmolality", EHR, "train", "worked", "Purssell, Ann Emerg Med 2001;38:653",
             _of_values("Calculated osmolality", "Calculate serum osmolality, 2 NA + GLU/18 + BUN/2.8.", ("NA", "GLU", "BUN"), _osmolality, CLOSELY)),
    Template("shift-sodium", EHR, "test", "worked", "Hillier, Am J Med 1999;106:399",
             _of_values("Corrected sodium", "Correct sodium for glucose by Hillier (2.4 per 100 mg/dL above 100).", ("NA", "GLU"), _sodium, CLOSELY)),
    Template("shift-filtration", EHR, "train", "worked", "Inker, N Engl J Med 2021;385:1737",
             _of_values("Filtration rate", "Work out the filtration rate by CKD-EPI 2021 from creatinine.", ("CREAT",), _filtration)),
    Template("shift-urea-ratio", EHR, "heldout", "worked", CHART,
             _of_values("Ratio", "What is the ratio of BUN to creatinine?", ("BUN", "CREAT"), _ratio)),
    Template("shift-compensation", EHR, "train", "worked", "Albert, Ann Intern Med 1967;66:312", compensation),
    Template("shift-critical-count", EHR, "test", "worked", "limits in the ticket", flagged),
    Template("shift-danger-zone", TRIAGE, "train", "door", "ENA, ESI handbook, version 4", danger_zone),
    Template("shift-where-to", TRIAGE, "test", "door", RCP, where_to),
    Template("shift-who-waits-where", TRIAGE, "heldout", "door", "rule of the house in the ticket", watch_every),
)  # fmt: skip
"""Questions of the followed chart and of the door."""
