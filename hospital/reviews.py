"""What reviews have found on a patient's drug orders, kept until the chart or the drugs grow: the same question is not worked out twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.hospital.safety import Finding, PatientFacts, review

if TYPE_CHECKING:
    from clinsim.formulary_file import Drug, Formulary
    from clinsim.hospital.patients import Patient


class Reviews:
    """The facts of one patient, and what was found on orders as long as these facts hold."""

    __slots__ = ("_facts", "_found", "_grown")

    def __init__(self) -> None:
        """Nothing has been asked yet."""
        self._grown = (-1, -1, -1)
        self._facts = PatientFacts()
        self._found: dict[tuple[str, float, str, str], tuple[Finding, ...]] = {}

    def facts(self, patient: Patient) -> PatientFacts:
        """What the safety checks need to know of the patient: the true person, and the last values on the chart."""
        chart = patient.chart
        grown = (len(chart.results), len(chart.vitals), len(patient.current_drugs))
        if grown != self._grown:
            self._grown, self._facts = grown, _facts(patient)
            self._found.clear()
        return self._facts

    def of(self, patient: Patient, drug: Drug, dose: float, unit: str, route: str, formulary: Formulary) -> tuple[Finding, ...]:
        """All findings on an order for the patient, as `review` gives them."""
        facts, order = self.facts(patient), (drug.name, dose, unit, route)
        found = self._found.get(order)
        if found is None:
            found = self._found[order] = review(drug, dose, unit, route, facts, formulary)
        return found


def _facts(patient: Patient) -> PatientFacts:
    person, chart = patient.person, patient.chart
    results = {line.analyte: line.value for line in chart.results if not isinstance(line.value, str)}
    if chart.vitals:
        results |= {"hr": chart.vitals[-1].hr, "sbp": chart.vitals[-1].sbp}
    return PatientFacts(
        allergies=person.allergies,
        current_drugs=tuple(patient.current_drugs),
        egfr=person.egfr,
        weight_kg=person.weight_kg,
        pregnant=person.pregnant,
        age=person.age,
        problems=person.comorbidities,
        results=results,
    )
