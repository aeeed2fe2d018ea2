"""What doctors are paid for: seeing the sick in time, treating, knowing what it is, sending to the right place.

Everything positive is scaled by what is truly at stake for the patient, so that work on those who lose nothing by
waiting earns next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from clinsim.record import Entry
from clinsim.reward_book import Book, PatientFacts, timeliness
from clinsim.reward_component import DOCTOR, Component, Due, bounded

WRONG_DIAGNOSIS = 0.5
"""Share of the stakes that a wrong diagnosis costs (assumption): two guesses, one of them right, earn nothing."""
BRIER_OF_UNKNOWN = 1.0
"""Brier score that earns nothing: that of saying that one does not know. Source: Brier, Mon Weather Rev 1950;78:1."""
STEP_OF_CARE = 0.1
"""Cost of a bed one level higher than needed, before the weight (assumption)."""
LEVEL_OF_CARE = {"home": 0, "ward": 1, "step_down": 2, "icu": 3}
"""Dispositions in order of the care that they give; other units count as a ward."""
PRICES = {"test": 0.1, "imaging": 0.3, "drug": 0.1, "procedure": 0.3, "consult": 0.3}
"""What an order costs by kind, as a share of the unit weight (assumption): about in proportion to charges."""
OTHER_PRICE = 0.05
STAT_FACTOR = 2.0
"""What putting a patient who can wait before the others multiplies the price by (assumption)."""
STAT_ACUITY = 2
"""True acuity up to which stat is no luxury. Source: ESI implementation handbook, levels 1 and 2 should not wait."""


def seen_in_time(book: Book, entry: Entry) -> Iterator[Due]:
    """Pays the doctor who saw the patient first, by how soon, once this doctor has also done something right there.

    Scaled by how far the doctor chooses drugs (`Prescribing.choice`). Targets run from true arrival by true acuity.
    Source: `door_to_doctor` of the hospital file (ESI 2 in 10 and 3 in 30 minutes, EP Monthly; share within target:
    Horwitz et al., Ann Emerg Med 2010).
    """
    patient, by = book.patient(entry.subject), entry.data["by"]
    target = book.door_to_doctor.get(patient.acuity)
    if target is not None and patient.origin == "ed" and patient.seen_by == by and _is_proof(entry):
        soon = timeliness(patient.seen_at - patient.arrived_at, target)
        yield Due(by, entry.subject, patient.stakes * soon * book.prescribing[by].choice)


def critical_acknowledged(book: Book, entry: Entry) -> Iterator[Due]:
    """Pays the doctor who soon read back a true critical call, once this doctor has also done something right there.

    Source of the target: assumption (`ANSWER_MINUTES`).
    """
    answered = book.patient(entry.subject).answered.get(entry.data["by"], 0.0)
    if answered and _is_proof(entry):
        yield Due(entry.data["by"], entry.subject, book.patient(entry.subject).stakes * answered)


def treatment_on_time(book: Book, entry: Entry) -> Iterator[Due]:
    """Pays the prescriber when an essential treatment begins for which there were grounds; in full up to its target.

    Scaled by how far the doctor chooses (`Prescribing.choice`): giving everybody the same helps some by chance. Targets
    run from true arrival. Source: the condition sheets (`target_minutes`, each with its own source).
    """
    data, patient = entry.data, book.patient(entry.subject)
    if data["essential"] and data["supported"]:
        target = patient.essential.get(data["treatment"], 0.0)
        soon = timeliness(data["minutes_from_arrival"], target) if target else float(data["on_time"])
        yield Due(data["by"], entry.subject, patient.stake_of_treatment * soon * book.prescribing[data["by"]].choice, data["treatment"])


def diagnosis_right(book: Book, entry: Entry) -> Iterator[Due]:
    """Pays the doctor for the right diagnosis with grounds in the chart; a wrong one costs.

    In full at the first attempt, by half at the second. Source: assumption.
    """
    patient, data = book.patient(entry.subject), entry.data
    if not data["correct"]:
        yield Due(data["by"], entry.subject, -WRONG_DIAGNOSIS * patient.stakes)
    elif data["supported"]:
        yield Due(data["by"], entry.subject, patient.stakes * max(0.0, 1.5 - 0.5 * patient.guesses))


def differential_brier(book: Book, entry: Entry) -> Iterator[Due]:
    """Scores the last differential at disposition, for the doctor who wrote it.

    Better than not knowing earns, if the work-up supports it; worse costs. Source: Brier, Mon Weather Rev 1950;78:1 (a
    proper score: honest probabilities do best).
    """
    patient = book.patient(entry.subject)
    if patient.differential is None:
        return
    by, brier = patient.differential
    value = patient.stakes * bounded(1.0 - brier / BRIER_OF_UNKNOWN)
    if value < 0.0 or entry.data["supported"]:
        yield Due(by, entry.subject, value)


def disposition_right(book: Book, entry: Entry) -> Iterator[Due]:
    """Pays the doctor for the right place of care, decided on grounds; a wrong one costs.

    Too much care costs by the level, too little costs the stakes as well. Source of what is needed: the condition
    sheets, by the state of the patient; prices are assumptions.
    """
    patient, data = book.patient(entry.subject), entry.data
    if not data["right"]:
        yield Due(data["by"], entry.subject, -_misplaced(patient, data["to"], data["needed"]))
    elif data["supported"]:
        yield Due(data["by"], entry.subject, patient.stakes)


def prescribing_error(book: Book, entry: Entry) -> Iterator[Due]:
    """Costs the doctor each order with an error that matters, caught or not.

    So an error made to be caught gains the team nothing. Source of the errors: the formulary.
    """
    order = book.order(entry.subject)
    if order.significant and not order.background:
        yield Due(order.by, order.patient, -1.0)


def resource_use(book: Book, entry: Entry) -> Iterator[Due]:
    """Costs the doctor a little for each test, image, drug, procedure and consultation.

    Stat doubles it for patients who could wait. Source: assumption.
    """
    data = entry.data
    hurried = data["priority"] == "stat" and book.patient(data["patient"]).acuity not in range(1, STAT_ACUITY + 1)
    price = PRICES.get(data["kind"], OTHER_PRICE)
    yield Due(data["by"], data["patient"], -bounded(price * (STAT_FACTOR if hurried else 1.0)))


def _is_proof(entry: Entry) -> bool:
    """Whether this entry shows that its agent did right: an essential treatment or a disposition, on grounds."""
    return bool(entry.data["supported"] and entry.data["essential" if entry.kind == "effect" else "right"])


def _misplaced(patient: PatientFacts, to: str, needed: str) -> float:
    steps = LEVEL_OF_CARE.get(to, 1) - LEVEL_OF_CARE.get(needed, 1)
    missing = patient.stakes if steps < 0 else 0.0
    return min(1.0, STEP_OF_CARE * max(1, abs(steps)) + missing)


PROOF = ("effect", "disposition_graded")
COMPONENTS = (
    Component(seen_in_time, DOCTOR, PROOF),
    Component(critical_acknowledged, DOCTOR, PROOF),
    Component(treatment_on_time, DOCTOR, ("effect",)),
    Component(diagnosis_right, DOCTOR, ("diagnosis_graded",)),
    Component(differential_brier, DOCTOR, ("disposition_graded",)),
    Component(disposition_right, DOCTOR, ("disposition_graded",)),
    Component(prescribing_error, DOCTOR, ("order_truth",)),
    Component(resource_use, DOCTOR, ("order",)),
)
