"""Pharmacist's tool that asks what is really taken at home, charts it, and says what to do about each drug."""

from __future__ import annotations

from dataclasses import dataclass

from clinsim.hospital.charts import Chart
from clinsim.hospital.reconciliation import HomeDrug, decisions
from clinsim.hospital.tools import checks
from clinsim.hospital.tools.live_chart import orders_of
from clinsim.hospital.tools.live_pharmacist import PHARMACIST
from clinsim.hospital.tools.live_screening import charted_facts
from clinsim.record import Order, World
from clinsim.tooling import tool

PROPHYLAXIS = "anticoagulant"
"""Class of which an inpatient has one, unless it must not be."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What is taken at home, what the list lacked, what it named that is no longer taken, what to do, and what an inpatient still lacks."""

    patient_id: str
    minute: float
    status: str
    home_drugs: tuple[HomeDrug, ...]
    added: tuple[str, ...]
    no_longer: tuple[str, ...]
    lacking: tuple[str, ...]


@tool("live", roles=PHARMACIST, service="history", tags=("write",))
def reconcile_medications(world: World, patient_id: str) -> Reconciliation:
    """Ask the patient and the pharmacy outside what is really taken at home, chart it, and compare it with the orders.

    Args:
        patient_id: Patient, for example P0012.
    """
    chart = checks.patient(world, patient_id)
    receipt = world.request(Order("reconcile", subject=patient_id))
    before, home = receipt.facts["before"], receipt.facts["home_drugs"]
    lines = [line for line in orders_of(world, chart) if line.kind == "drug" and line.state not in ("rejected", "cancelled", "stopped")]
    formulary = checks.knowledge(world).formulary
    facts = charted_facts(chart, orders_of(world, chart), formulary, world.now)
    ordered = [line.code for line in lines]
    classes = {token for name in (*ordered, *home) for token in formulary.tokens(name)}
    return Reconciliation(
        chart.id,
        world.now,
        receipt.status,
        decisions(home, ordered, facts, formulary),
        tuple(drug for drug in home if drug not in before),
        tuple(drug for drug in before if drug not in home),
        _lacking(chart, classes),
    )


def _lacking(chart: Chart, classes: set[str]) -> tuple[str, ...]:
    """What an inpatient usually has and this one has not: so far prophylaxis of thrombosis."""
    if not chart.unit or PROPHYLAXIS in classes:
        return ()
    return ("no prophylaxis of thrombosis is ordered; wanted in most inpatients who do not bleed (ASH 2018)",)
