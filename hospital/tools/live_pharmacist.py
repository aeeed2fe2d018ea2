"""Pharmacist's tools: the verification list, the medication profile, alerts, and what becomes of an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from clinsim.errors import ToolError
from clinsim.hospital.charts import Chart, OrderLine, ResultLine
from clinsim.hospital.tools import checks
from clinsim.hospital.tools.answers import Done, OrderView, ask, order_view
from clinsim.hospital.tools.live_chart import orders_of
from clinsim.hospital.tools.live_shared import Text
from clinsim.record import Order, Role, World
from clinsim.tooling import tool

PHARMACIST: tuple[Role, ...] = ("pharmacist",)
UNDECIDED = ("to_verify", "queried")
"""States in which a drug order waits for the pharmacist."""
CREATININE = "CREAT"
"""Analyte of the renal trend."""


@dataclass(frozen=True, slots=True)
class Verifications:
    """Drug orders that wait for a pharmacist, in order of the work list, and overrides that wait for their check."""

    minute: float
    to_verify: tuple[OrderView, ...]
    to_check: tuple[OrderView, ...]


@dataclass(frozen=True, slots=True)
class MedicationProfile:
    """What bears on a patient's drugs; weight in kg, eGFR in mL/min/1.73 m2, creatinine in the unit of each result."""

    patient_id: str
    minute: float
    age: int
    sex: str
    pregnant: bool
    weight_kg: float
    allergies: tuple[str, ...]
    comorbidities: tuple[str, ...]
    home_drugs: tuple[str, ...]
    egfr: float
    creatinine_trend: tuple[ResultLine, ...]
    active: tuple[OrderView, ...]
    given: tuple[OrderView, ...]


@tool("live", roles=PHARMACIST, service="desk", tags=("read",))
def list_verifications(world: World) -> Verifications:
    """List drug orders that wait for verification, in order of the work list, and overrides that wait for a check."""
    desk = checks.desk(world)
    listed = [desk.orders[order_id] for order_id in desk.to_verify]
    waiting = tuple(order_view(line) for line in listed if not line.to_check)
    overrides = tuple(order_view(line) for line in listed if line.to_check)
    return Verifications(world.now, waiting, overrides)


@tool("live", roles=PHARMACIST, service="chart", tags=("read",))
def get_order(world: World, order_id: str) -> OrderView:
    """Read one order and where it stands.

    Args:
        order_id: Order, for example O0004.
    """
    return order_view(checks.order_line(world, order_id))


@tool("live", roles=PHARMACIST, service="chart", tags=("read",))
def get_medication_profile(world: World, patient_id: str) -> MedicationProfile:
    """Read what bears on a patient's drugs: allergies, home drugs, weight, renal function and its trend, orders.

    Args:
        patient_id: Patient, for example P0012.
    """
    chart = checks.patient(world, patient_id)
    checks.met(world)
    drugs = [line for line in orders_of(world, chart) if line.kind == "drug"]
    return MedicationProfile(
        patient_id=chart.id,
        minute=world.now,
        age=chart.age,
        sex=chart.sex,
        pregnant=chart.pregnant,
        weight_kg=chart.weight_kg,
        allergies=chart.allergies,
        comorbidities=chart.comorbidities,
        home_drugs=chart.home_drugs,
        egfr=chart.egfr,
        creatinine_trend=creatinine_trend(chart),
        active=tuple(order_view(line) for line in drugs if line.state not in checks.FINISHED),
        given=tuple(order_view(line) for line in drugs if line.state == "given"),
    )


def creatinine_trend(chart: Chart) -> tuple[ResultLine, ...]:
    """Filed creatinine values, oldest first."""
    return tuple(line for line in chart.results if line.analyte == CREATININE)


@tool("live", roles=PHARMACIST, service="verify", tags=("write",))
def verify_order(world: World, order_id: str) -> Done:
    """Verify a drug order as it stands: it is dispensed and given.

    Args:
        order_id: Drug order that waits for verification.
    """
    _undecided(world, order_id)
    return ask(world, Order("verify", subject=order_id))


def _undecided(world: World, order_id: str) -> OrderLine:
    return checks.in_state(checks.order_line(world, order_id, "drug"), UNDECIDED)


@tool("live", roles=PHARMACIST, service="verify", tags=("write",))
def change_order(world: World, order_id: str, dose: Annotated[float, Field(gt=0, le=1_000_000)], reason: Text) -> Done:
    """Change the dose of a drug order and verify it so.

    Args:
        order_id: Drug order that waits for verification.
        dose: New amount of the single dose, in the unit of the order.
        reason: Why, for the prescriber.
    """
    line = _undecided(world, order_id)
    if line.amount == dose:
        raise ToolError(f"{order_id} is already {dose:g} {line.unit}; use verify_order")
    text = checks.written("reason", reason)
    return ask(world, Order("change", subject=order_id, amount=float(dose), unit=line.unit, text=text))


@tool("live", roles=PHARMACIST, service="query", tags=("write",))
def query_order(world: World, order_id: str, question: Text) -> Done:
    """Ask the prescriber about a drug order; it waits until it is amended, changed, verified or rejected.

    Args:
        order_id: Drug order that waits for verification.
        question: What is wrong, and what you propose.
    """
    line = _undecided(world, order_id)
    if line.state == "queried":
        raise ToolError(f"{order_id} is already queried; wait for {line.by} to amend it, or change, verify or reject it")
    return ask(world, Order("query", subject=order_id, text=checks.written("question", question)))


@tool("live", roles=PHARMACIST, service="verify", tags=("write",))
def reject_order(world: World, order_id: str, reason: Text) -> Done:
    """Reject a drug order: it will not be given, and the prescriber is told why.

    Args:
        order_id: Drug order that waits for verification.
        reason: Why, and what to give instead.
    """
    _undecided(world, order_id)
    return ask(world, Order("reject", subject=order_id, text=checks.written("reason", reason)))


Verdict = Literal["appropriate", "inappropriate"]


@tool("live", roles=PHARMACIST, service="verify", tags=("write",))
def check_override(world: World, order_id: str, verdict: Verdict, reason: Text) -> Done:
    """Check afterwards an emergency drug that was given by override.

    Args:
        order_id: Drug order that waits for this check.
        verdict: Whether the override was appropriate.
        reason: Why, in a sentence.
    """
    line = checks.order_line(world, order_id, "drug")
    if not line.to_check:
        desk = checks.desk(world)
        waiting = [listed for listed in desk.to_verify if desk.orders[listed].to_check]
        raise ToolError(f"{order_id} waits for no check; overrides to check: {checks.named(waiting, order_id)}")
    return ask(world, Order("check_override", subject=order_id, code=verdict, text=checks.written("reason", reason)))
