"""Pharmacist's tools that judge an order by what is charted: alerts, alternatives, and creatinine clearance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clinsim.errors import ToolError
from clinsim.formulary_file import Formulary
from clinsim.hospital.calculators import renal
from clinsim.hospital.charts import Chart, OrderLine
from clinsim.hospital.safety import Finding, PatientFacts, alternatives, in_unit_of, is_significant, review
from clinsim.hospital.tools import checks
from clinsim.hospital.tools.live_chart import orders_of
from clinsim.hospital.tools.live_pharmacist import PHARMACIST, creatinine_trend
from clinsim.record import World
from clinsim.tooling import tool

ON_ITS_WAY = frozenset({"given", "verified", "dispensed"})
"""States of a drug order in which the patient has the drug, or will."""
VITAL_LIMITS = ("hr", "sbp", "spo2", "rr", "temp")
"""Vital signs that the formulary may set limits to."""
DAY_MINUTES = 1440.0
RUNNING_MINUTES = 60.0
"""Minutes for which a drug that was given into a vein counts as still running in (assumption)."""
LIKELY = 0.5
"""Probability in the differential from which a drug is checked against the illness (assumption)."""
SEX: Mapping[str, renal.Sex] = {"female": "F", "male": "M"}


@dataclass(frozen=True, slots=True)
class Alert:
    """One finding on an order: code of the check, how grave (note, significant, serious), what, and where it stands."""

    code: str
    tier: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Screening:
    """Alerts on an order, the gravest first, and drugs of the same group that would raise no more than notes."""

    order_id: str
    patient_id: str
    minute: float
    drug: str
    dose: float
    unit: str
    route: str
    alerts: tuple[Alert, ...]
    alternatives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clearance:
    """Creatinine clearance in mL/min with what it was worked out from: creatinine in mg/dL, weight in kg."""

    patient_id: str
    minute: float
    clearance_ml_min: float
    creatinine_mg_dl: float
    measured_at: float
    weight_kg: float
    age: int
    sex: str
    source: str = "Cockcroft and Gault, Nephron 1976;16:31; holds for a creatinine that stands still"


def charted_facts(chart: Chart, lines: tuple[OrderLine, ...], formulary: Formulary, now: float, without: str = "") -> PatientFacts:
    """What the chart knows that bears on drugs, leaving out the order `without`.

    Args:
        chart: The patient's chart.
        lines: The orders on the patient.
        formulary: Knows in which unit a drug is counted.
        now: Minute of the review.
        without: Id of the order under review.
    """
    drugs = [line for line in lines if line.kind == "drug" and line.state in ON_ITS_WAY and line.id != without]
    diagnoses = charted_diagnoses(chart)
    return PatientFacts(
        allergies=chart.allergies,
        current_drugs=(*chart.home_drugs, *(line.code for line in drugs)),
        egfr=charted_filtration(chart),
        weight_kg=chart.weight_kg,
        pregnant=chart.pregnant,
        age=chart.age,
        problems=(*chart.comorbidities, *diagnoses),
        results=_last_values(chart),
        home_drugs=chart.home_drugs,
        sex=chart.sex,
        given_today=_given_since(drugs, formulary, now - DAY_MINUTES),
        running=tuple(line.code for line in drugs if line.route == "iv" and now - (line.done_at or now) <= RUNNING_MINUTES),
        reasons=(*diagnoses, *chart.comorbidities, *(line.text for line in lines if line.id == without and line.text)),
        tests=frozenset(line.analyte for line in chart.results),
    )


def charted_diagnoses(chart: Chart) -> tuple[str, ...]:
    """The diagnosis on the chart; before there is one, what the differential holds for likely."""
    if chart.diagnosis:
        return (chart.diagnosis,)
    return tuple(name for name, share in chart.differential if share >= LIKELY)


def charted_filtration(chart: Chart) -> float:
    """Filtration rate (mL/min/1.73 m2) by the last charted creatinine; without one, that on record."""
    values = [line.value for line in creatinine_trend(chart) if not isinstance(line.value, str)]
    return round(renal.egfr_ckd_epi_2021(chart.age, values[-1], SEX[chart.sex]), 1) if values else chart.egfr


def _given_since(drugs: Sequence[OrderLine], formulary: Formulary, minute: float) -> dict[str, float]:
    amounts: dict[str, float] = {}
    for line in drugs:
        if line.state == "given" and (line.done_at or 0.0) >= minute:
            amount = in_unit_of(formulary.drugs[line.code], line.amount or 0.0, line.unit)
            amounts[line.code] = amounts.get(line.code, 0.0) + (amount or 0.0)
    return amounts


def _last_values(chart: Chart) -> dict[str, float]:
    found = {name: getattr(chart.vitals[-1], name) for name in VITAL_LIMITS} if chart.vitals else {}
    for line in chart.results:
        if not isinstance(line.value, str):
            found[line.analyte] = line.value
    return found


@tool("live", roles=PHARMACIST, service="lookup", tags=("read",))
def screen_order(world: World, order_id: str) -> Screening:
    """Screen a drug order against what is charted: allergy, interaction, dose, kidney, pregnancy, results, and more.

    Alerts of tier note are for information; most orders have some. An alert is a hint, not a verdict.

    Args:
        order_id: Drug order, for example O0004.
    """
    line = checks.order_line(world, order_id, "drug")
    chart = checks.patient(world, line.patient)
    checks.met(world)
    formulary = checks.knowledge(world).formulary
    facts = charted_facts(chart, orders_of(world, chart), formulary, world.now, without=order_id)
    drug, dose = formulary.drugs[line.code], line.amount or 0.0
    found = review(drug, dose, line.unit, line.route, facts, formulary)
    alerts = tuple(_alert(finding) for finding in found)
    others = alternatives(drug, facts, formulary) if is_significant(found) else ()
    return Screening(order_id, chart.id, world.now, drug.name, dose, line.unit, line.route, alerts, others)


def _alert(found: Finding) -> Alert:
    return Alert(found.code, found.severity, found.text, found.source)


@tool("live", roles=PHARMACIST, service="lookup", tags=("read",))
def creatinine_clearance(world: World, patient_id: str) -> Clearance:
    """Work out creatinine clearance by Cockcroft-Gault from the last charted creatinine.

    Args:
        patient_id: Patient, for example P0012.
    """
    chart = checks.patient(world, patient_id)
    numbers = [(line.value, line.taken_at) for line in creatinine_trend(chart) if not isinstance(line.value, str)]
    if not numbers:
        raise ToolError(f"no creatinine is charted for {patient_id}; its eGFR on record is {chart.egfr:.0f} mL/min/1.73 m2")
    value, taken_at = numbers[-1]
    clearance = renal.creatinine_clearance(chart.age, chart.weight_kg, value, SEX[chart.sex])
    return Clearance(
        chart.id, world.now, round(clearance, 1), value, taken_at, chart.weight_kg, chart.age, chart.sex
    )  # fmt: skip
