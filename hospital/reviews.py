"""What reviews have found on a patient's drug orders, kept until the chart or the drugs grow: the same question is not worked out twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.hospital.calculators.renal import egfr_ckd_epi_2021
from clinsim.hospital.safety import Finding, PatientFacts, review
from clinsim.hospital.signs import SEX

if TYPE_CHECKING:
    from clinsim.formulary_file import Drug, Formulary
    from clinsim.hospital.patients import Patient

DAY_MINUTES = 1440.0


class Reviews:
    """The facts of one patient, and what was found on orders as long as these facts hold."""

    __slots__ = ("_facts", "_found", "_grown")

    def __init__(self) -> None:
        """Nothing has been asked yet."""
        self._grown = (-1, -1, -1, -1)
        self._facts = PatientFacts()
        self._found: dict[tuple[str, float, str, str], tuple[Finding, ...]] = {}

    def facts(self, patient: Patient, minute: float) -> PatientFacts:
        """What the safety checks need to know: the true person and illness by the last full hour, and the last values on the chart."""
        chart = patient.chart
        hour = int(minute // 60.0)
        grown = (len(chart.results), len(chart.vitals), len(patient.current_drugs), hour)
        if grown != self._grown:
            self._grown, self._facts = grown, _facts(patient, 60.0 * hour)
            self._found.clear()
        return self._facts

    def of(self, patient: Patient, minute: float, drug: Drug, dose: float, unit: str, route: str, formulary: Formulary) -> tuple[Finding, ...]:
        """All findings on an order for the patient, as `review` gives them."""
        facts, order = self.facts(patient, minute), (drug.name, dose, unit, route)
        found = self._found.get(order)
        if found is None:
            found = self._found[order] = review(drug, dose, unit, route, facts, formulary)
        return found


def _facts(patient: Patient, hour: float) -> PatientFacts:
    person, chart = patient.person, patient.chart
    results = {line.analyte: line.value for line in chart.results if not isinstance(line.value, str)}
    if chart.vitals:
        results |= {"hr": chart.vitals[-1].hr, "sbp": chart.vitals[-1].sbp}
    return PatientFacts(
        allergies=person.allergies,
        current_drugs=tuple(patient.current_drugs),
        egfr=true_filtration(patient, hour),
        weight_kg=person.weight_kg,
        pregnant=person.pregnant,
        age=person.age,
        sex=person.sex,
        problems=(*person.comorbidities, patient.condition.id),
        results=results,
        given_today=_given_since(patient, hour - DAY_MINUTES),
    )


def _given_since(patient: Patient, minute: float) -> dict[str, float]:
    amounts: dict[str, float] = {}
    for given_at, drug, amount in patient.given:
        if given_at >= minute:
            amounts[drug] = amounts.get(drug, 0.0) + amount
    return amounts


def true_filtration(patient: Patient, minute: float) -> float:
    """The filtration rate (mL/min/1.73 m2) that the creatinine of the illness stands for at `minute`, whoever has measured it."""
    person = patient.person
    if "CREAT" not in patient.condition.labs:
        return person.egfr
    creatinine = patient.course.true_lab("CREAT", max(minute, patient.arrived_at))
    return min(person.egfr, egfr_ckd_epi_2021(person.age, creatinine, SEX[person.sex]))
