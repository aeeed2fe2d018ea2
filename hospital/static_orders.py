"""What the static world answers to orders and to reports, and what it writes down: one short function a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from clinsim.errors import ToolError
from clinsim.hospital.charts import Chart, NoteLine, OrderLine, ReportLine, ResultLine, StudyLine
from clinsim.record import Order, Receipt

if TYPE_CHECKING:
    from clinsim.hospital.static_world import Facts, StaticWorld

Answer = Callable[["StaticWorld", Order], Receipt]

ON_ITS_WAY = frozenset({"placed", "protocolled", "to_verify", "queried", "verified", "dispensed", "scanning", "collected"})
"""States of an order in which the same thing is not ordered again."""


def chart_of(world: StaticWorld, order: Order) -> Chart:
    """The chart that an order is about."""
    return world.charts[order.subject]


def study_of(world: StaticWorld, order: Order) -> StudyLine:
    """The study that an order is about."""
    return world.desk.studies[order.subject]


def add_note(world: StaticWorld, chart: Chart, kind: str, text: str) -> None:
    """Write a line into the notes."""
    chart.notes.append(NoteLine(world.now, kind, world.actor.agent, text))


def said(facts: Facts) -> str:
    """Facts as a line of the notes."""
    return "; ".join(f"{name}: {value}" for name, value in facts.items())


def _line(world: StaticWorld, order: Order) -> OrderLine:
    return world.desk.orders[order.subject]


# ---------------------------------------------------------------- orders


def _not_twice(world: StaticWorld, order: Order) -> None:
    for order_id in chart_of(world, order).orders:
        line = world.desk.orders[order_id]
        if (line.kind, line.code) == (order.kind, order.code) and line.state in ON_ITS_WAY:
            what = f"{order.code} is already on its way for {order.subject} ({line.id}, {line.state})"
            raise ToolError(f"{what}; cancel it first")


def _place(world: StaticWorld, order: Order, state: str) -> OrderLine:
    _not_twice(world, order)
    line = OrderLine(
        world.new_id("O"),
        order.kind,
        order.subject,
        order.code,
        world.actor.agent,
        order.priority,
        world.now,
        state,
        amount=order.amount,
        unit=order.unit,
        route=order.route,
        override=order.flag,
        to_check=order.flag,
        text=order.text,
        done_at=world.now if state in ("resulted", "reported", "done", "given") else None,
    )
    world.desk.orders[line.id] = line
    chart_of(world, order).orders.append(line.id)
    return line


def _test(world: StaticWorld, order: Order) -> Receipt:
    facts = world.held(order.subject, "test", order.code)
    line = _place(world, order, "resulted" if facts else "placed")
    for row in facts.get("results", ()):
        _file(world, line, *row)
    return Receipt(line.id, line.state, "" if facts else "no result is held", facts)


def _file(world: StaticWorld, line: OrderLine, analyte: str, value: float | str, unit: str, flag: str = "") -> None:
    result = ResultLine(world.new_id("R"), line.id, line.code, analyte, value, unit, world.now, world.now, flag)
    world.charts[line.patient].results.append(result)


def _imaging(world: StaticWorld, order: Order) -> Receipt:
    facts = world.held(order.subject, "imaging", order.code)
    line = _place(world, order, "reported" if facts else "placed")
    if facts:
        found = _pairs(facts.get("findings", ()))
        _file_report(world, line.patient, "", line.code, found, str(facts.get("impression", "")), 1.0)
    return Receipt(line.id, line.state, "" if facts else "no report is held", facts)


def _pairs(findings: Iterable[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(region)) for name, region in findings)


def _file_report(
    world: StaticWorld,
    patient: str,
    study: str,
    code: str,
    found: tuple[tuple[str, str], ...],
    impression: str,
    certainty: float,
    addendum: bool = False,
) -> str:
    by = world.actor.agent if study else "radiology"
    report = ReportLine(world.new_id("R"), study, code, world.now, by, found, impression, certainty, addendum)
    world.charts[patient].reports.append(report)
    return report.id


def _drug(world: StaticWorld, order: Order) -> Receipt:
    line = _place(world, order, "given" if order.flag else "to_verify")
    world.desk.to_verify.append(line.id)
    return Receipt(line.id, line.state)


def _done_at_once(world: StaticWorld, order: Order) -> Receipt:
    facts = world.held(order.subject, order.kind, order.code)
    line = _place(world, order, "done")
    if facts:
        add_note(world, chart_of(world, order), order.kind, said(facts))
    return Receipt(line.id, line.state, facts=facts)


def _off_lists(world: StaticWorld, line: OrderLine) -> None:
    for pile in (world.desk.to_verify, world.desk.to_protocol):
        if line.id in pile:
            pile.remove(line.id)


def _decide(state: str, *, by_pharmacist: bool = True) -> Answer:
    """An answer that moves an order to `state` and off the work lists."""

    def answer(world: StaticWorld, order: Order) -> Receipt:
        line = _line(world, order)
        line.state = state
        if by_pharmacist:
            line.verified_by, line.verified_at = world.actor.agent, world.now
        _off_lists(world, line)
        return Receipt(line.id, state)

    return answer


_VERIFIED = _decide("verified")


def _change(world: StaticWorld, order: Order) -> Receipt:
    _line(world, order).amount = order.amount
    return _VERIFIED(world, order)


def _query(world: StaticWorld, order: Order) -> Receipt:
    line = _line(world, order)
    line.state, line.query = "queried", order.text
    return Receipt(line.id, line.state)


def _amend(world: StaticWorld, order: Order) -> Receipt:
    line = _line(world, order)
    line.state, line.amount, line.text, line.query = "to_verify", order.amount, order.text, ""
    return Receipt(line.id, line.state)


def _check_override(world: StaticWorld, order: Order) -> Receipt:
    line = _line(world, order)
    line.to_check, line.verified_by, line.verified_at = False, world.actor.agent, world.now
    _off_lists(world, line)
    return Receipt(line.id, "checked", order.code)


def _reconcile(world: StaticWorld, order: Order) -> Receipt:
    chart, told = chart_of(world, order), world.held(order.subject, "reconcile", "")
    before = chart.home_drugs
    chart.home_drugs = tuple(told.get("home_drugs", before))
    add_note(world, chart, "pharmacy", f"Home drugs as asked: {', '.join(chart.home_drugs) or 'none'}.")
    facts = {"home_drugs": list(chart.home_drugs), "before": list(before)}
    return Receipt(order.subject, "reconciled", f"{len(chart.home_drugs)} home drugs", facts)


def _stop(world: StaticWorld, order: Order) -> Receipt:
    chart = chart_of(world, order)
    for order_id in chart.orders:
        line = world.desk.orders[order_id]
        if line.kind == "drug" and line.code == order.code and line.state == "given":
            line.state = "stopped"
    chart.home_drugs = tuple(drug for drug in chart.home_drugs if drug != order.code)
    return Receipt(order.subject, "stopped")


# ---------------------------------------------------------------- the radiologist


def _protocol(world: StaticWorld, order: Order) -> Receipt:
    line = _line(world, order)
    line.protocol, line.state = order.code, "protocolled"
    _off_lists(world, line)
    return Receipt(line.id, line.state)


def _claim_study(world: StaticWorld, order: Order) -> Receipt:
    study_of(world, order).reader = world.actor.agent
    return Receipt(order.subject, "claimed")


def _view(world: StaticWorld, order: Order) -> Receipt:
    study = study_of(world, order)
    facts = world.held(study.patient, "view", f"{study.code}/{order.code}/{order.text}")
    return Receipt(order.subject, "viewed", "" if facts else "nothing can be measured there", facts)


def _report(world: StaticWorld, order: Order) -> Receipt:
    study = study_of(world, order)
    found = _pairs(name.split("@", 1) for name, _ in order.items)
    addendum = order.kind == "addend"
    study.reported_at = world.now if study.reported_at is None else study.reported_at
    if study.id in world.desk.to_read:
        world.desk.to_read.remove(study.id)
    if study.order in world.desk.orders:
        world.desk.orders[study.order].state = "reported"
    certainty = 0.0 if order.amount is None else order.amount
    report = _file_report(world, study.patient, study.id, study.code, found, order.text, certainty, addendum)
    return Receipt(report, "reported")


def _reading_priority(world: StaticWorld, order: Order) -> Receipt:
    study_of(world, order).priority = order.priority
    return Receipt(order.subject, "moved", order.priority)


ORDER_ANSWERS: dict[str, Answer] = {
    "test": _test,
    "imaging": _imaging,
    "drug": _drug,
    "amend": _amend,
    "cancel": _decide("cancelled", by_pharmacist=False),
    "stop": _stop,
    "procedure": _done_at_once,
    "consult": _done_at_once,
    "verify": _VERIFIED,
    "change": _change,
    "query": _query,
    "reject": _decide("rejected"),
    "check_override": _check_override,
    "reconcile": _reconcile,
    "protocol": _protocol,
    "claim_study": _claim_study,
    "view": _view,
    "report": _report,
    "addend": _report,
    "reading_priority": _reading_priority,
}
"""Kinds of order that are about an order line or a study."""
