"""Placing orders: write the line, log it, start its pathway."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from clinsim.hospital import laboratory, pharmacy, radiology, theatres
from clinsim.hospital.charts import OrderLine
from clinsim.hospital.patients import Patient
from clinsim.record import Order, Priority

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

    from clinsim.hospital.hospital import Hospital

Pathway = Callable[["Hospital", Patient, OrderLine], "ProcessGenerator"]

PATHWAYS: dict[str, Pathway] = {
    "test": laboratory.test,
    "imaging": radiology.imaging,
    "drug": pharmacy.medication,
    "procedure": theatres.procedure,
    "consult": theatres.consult,
}


def place(hospital: Hospital, patient: Patient, line: OrderLine) -> OrderLine:
    """Write an order down and start what it asks for."""
    earlier = (hospital.desk.orders[oid] for oid in patient.chart.orders)
    line.repeat = sum(1 for other in earlier if other.code == line.code)
    hospital.desk.orders[line.id] = line
    patient.chart.orders.append(line.id)
    facts = {"patient": patient.id, "kind": line.kind, "code": line.code, "by": line.by, "priority": line.priority, "amount": line.amount}
    facts |= {"unit": line.unit, "route": line.route, "override": line.override, "background": line.background}
    hospital.note("order", line.id, facts)
    if line.kind in ("drug", "imaging"):
        hospital.releases[line.id] = hospital.clock.event()
    hospital.clock.process(PATHWAYS[line.kind](hospital, patient, line))
    return line


def line_of(hospital: Hospital, order: Order, by: str, kind: str) -> OrderLine:
    """The order line for a request."""
    return OrderLine(
        id=hospital.new_id("O"),
        kind=kind,
        patient=order.subject,
        code=order.code,
        by=by,
        priority=order.priority,
        placed_at=hospital.now,
        amount=order.amount,
        unit=order.unit,
        route=order.route,
        override=order.flag and kind == "drug",
        text=order.text,
    )


def place_test(hospital: Hospital, patient: Patient, code: str, priority: Priority, by: str) -> OrderLine:
    """Order a test outside of any tool (standing orders)."""
    return place(hospital, patient, line_of(hospital, Order("test", patient.id, code, priority), by, "test"))


def place_procedure(hospital: Hospital, patient: Patient, code: str, priority: Priority, by: str) -> OrderLine:
    """Order a procedure outside of any tool (standing orders)."""
    return place(hospital, patient, line_of(hospital, Order("procedure", patient.id, code, priority), by, "procedure"))
