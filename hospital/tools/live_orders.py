"""Doctor's tools that order: tests, imaging, drugs, procedures, consults, and changes to an order."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from clinsim.errors import ToolError
from clinsim.formulary_file import Drug
from clinsim.hospital.tools import checks
from clinsim.hospital.tools.answers import Done, ask
from clinsim.hospital.tools.live_assessment import DOCTOR
from clinsim.hospital.tools.live_chart import orders_of
from clinsim.hospital.tools.live_lookup import known_drug
from clinsim.hospital.tools.live_shared import Text
from clinsim.record import Order, Priority, World
from clinsim.tooling import tool

DoseAmount = Annotated[float, Field(gt=0, le=1_000_000)]

CAN_CANCEL = ("placed", "to_verify", "queried", "verified", "protocolled")
"""States in which nothing irreversible has been done about an order."""
CAN_AMEND = ("to_verify", "queried")
"""States in which the pharmacist has yet to decide."""


@tool("live", roles=DOCTOR, service="order", tags=("write",))
def order_test(world: World, patient_id: str, test: str, priority: Priority = "urgent") -> Done:
    """Order a laboratory or bedside test for one of your patients; results are filed in the chart when ready.

    Args:
        patient_id: Your patient, for example P0012.
        test: Code in the catalogue of tests.
        priority: Place in the queue: stat, urgent or routine.
    """
    checks.own_patient(world, patient_id)
    checks.one_of("test", test, checks.knowledge(world).panels)
    return ask(world, Order("test", subject=patient_id, code=test, priority=priority))


@tool("live", roles=DOCTOR, service="order", tags=("write",))
def order_imaging(world: World, patient_id: str, study: str, priority: Priority, indication: Text) -> Done:
    """Order imaging for one of your patients; it is scanned, then read by a radiologist.

    Args:
        patient_id: Your patient, for example P0012.
        study: Code in the catalogue of imaging.
        priority: Place in the queue: stat, urgent or routine.
        indication: The clinical question for the radiologist.
    """
    checks.own_patient(world, patient_id)
    checks.one_of("study", study, checks.knowledge(world).imaging.studies)
    text = checks.written("indication", indication)
    return ask(world, Order("imaging", subject=patient_id, code=study, priority=priority, text=text))


@tool("live", roles=DOCTOR, service="order", tags=("write",))
def order_drug(
    world: World,
    patient_id: str,
    drug: str,
    dose: DoseAmount,
    unit: str,
    route: str,
    priority: Priority = "urgent",
    override: bool = False,
    reason: str = "",
) -> Done:
    """Order a single dose of a drug for one of your patients; a pharmacist verifies it, a nurse gives it.

    Args:
        patient_id: Your patient, for example P0012.
        drug: Generic or brand name in the formulary.
        dose: Amount of the single dose, in `unit` (not per kg).
        unit: The formulary's unit of the drug, for example mg.
        route: How it is given, for example iv; the formulary names the routes of each drug.
        priority: Place in the queue: stat, urgent or routine.
        override: Whether it is to be given before verification; for emergency drugs only, and checked afterwards.
        reason: Why; needed with override.
    """
    checks.own_patient(world, patient_id)
    found = known_drug(world, drug)
    _fits(found, unit, route)
    if override:
        checks.written("reason (needed with override)", reason)
    order = Order(
        "drug",
        subject=patient_id,
        code=found.name,
        priority=priority,
        amount=float(dose),
        unit=unit,
        route=route,
        flag=override,
        text=reason,
    )
    return ask(world, order)


def _fits(drug: Drug, unit: str, route: str) -> None:
    if unit != drug.unit:
        raise ToolError(f"{drug.name} is ordered in {drug.unit}, not in {checks.shown(unit)}")
    if route not in drug.routes:
        raise ToolError(f"{drug.name} is not given by route {checks.shown(route)}; allowed: {checks.named(drug.routes)}")


@tool("live", roles=DOCTOR, service="order", tags=("write",))
def amend_order(world: World, order_id: str, dose: DoseAmount, answer: Text) -> Done:
    """Answer the pharmacist's question about a drug order on one of your patients, changing or confirming the dose.

    Args:
        order_id: Drug order that is not verified yet, as get_orders shows it.
        dose: Amount of the single dose in the unit of the order; repeat the old one to confirm it.
        answer: Your answer to the pharmacist.
    """
    line = checks.in_state(checks.order_line(world, order_id, "drug"), CAN_AMEND)
    checks.own_patient(world, line.patient)
    return ask(
        world,
        Order("amend", subject=order_id, amount=float(dose), unit=line.unit, text=checks.written("answer", answer)),
    )


@tool("live", roles=DOCTOR, service="order", tags=("write",))
def cancel_order(world: World, order_id: str) -> Done:
    """Cancel an order on one of your patients that has not been carried out.

    Args:
        order_id: Order, as get_orders shows it.
    """
    line = checks.in_state(checks.order_line(world, order_id), CAN_CANCEL)
    checks.own_patient(world, line.patient)
    return ask(world, Order("cancel", subject=order_id))


@tool("live", roles=DOCTOR, service="order", tags=("write",))
def stop_drug(world: World, patient_id: str, drug: str) -> Done:
    """Stop a drug that one of your patients is being given, or takes at home.

    Args:
        patient_id: Your patient, for example P0012.
        drug: Generic or brand name of the drug.
    """
    chart = checks.own_patient(world, patient_id)
    found = checks.knowledge(world).formulary.find(drug)
    given = [line.code for line in orders_of(world, chart) if line.kind == "drug" and line.state == "given"]
    code = checks.one_of("running drug", found.name if found else drug, tuple(dict.fromkeys((*given, *chart.home_drugs))))
    return ask(world, Order("stop", subject=patient_id, code=code))


@tool("live", roles=DOCTOR, service="procedure", tags=("write",))
def perform_procedure(world: World, patient_id: str, procedure: str, priority: Priority = "urgent") -> Done:
    """Have a procedure done on one of your patients, at the bedside or in its room.

    Args:
        patient_id: Your patient, for example P0012.
        procedure: Name in the catalogue of procedures.
        priority: Place in the queue: stat, urgent or routine.
    """
    checks.own_patient(world, patient_id)
    checks.one_of("procedure", procedure, checks.knowledge(world).procedures)
    return ask(world, Order("procedure", subject=patient_id, code=procedure, priority=priority))


@tool("live", roles=DOCTOR, service="consult", tags=("write",))
def request_consult(world: World, patient_id: str, service: str, question: Text) -> Done:
    """Ask a consulting service about one of your patients; the advice comes into the notes.

    Args:
        patient_id: Your patient, for example P0012.
        service: Name in the catalogue of services.
        question: What you want to know.
    """
    checks.own_patient(world, patient_id)
    checks.one_of("service", service, checks.knowledge(world).services)
    return ask(world, Order("consult", subject=patient_id, code=service, text=checks.written("question", question)))
