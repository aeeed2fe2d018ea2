"""Work lists and observations as staff see them: JSON made from charts and the desk only, each row once as long as nothing in it changes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from clinsim.hospital.charts import Chart, Desk, OrderLine, StudyLine

if TYPE_CHECKING:
    from clinsim.hospital.hospital import Hospital
    from clinsim.hospital.roster import Staff

UNCLAIMED_SHOWN = 12
"""How many unclaimed patients a work list shows: the first by triage level and arrival."""
CLOSED_STATES = frozenset({"done", "given", "resulted", "reported", "rejected", "cancelled", "refused", "stopped"})
"""States of an order with which it is done; no order comes back from them."""
PATIENT = ("patient", "age", "sex", "complaint", "esi", "place", "status", "owner", "arrived_at", "seen", "diagnosis", "disposition")
OPEN_ORDER = ("order", "kind", "code", "state")
TO_VERIFY = ("order", "patient", "drug", "dose", "unit", "route", "priority", "placed_at", "by", "state", "override", "query")
TO_PROTOCOL = ("order", "patient", "code", "priority", "state")
TO_READ = ("study", "patient", "code", "priority", "indication", "taken_at", "reader")
"""Fields of the rows of work lists."""


class OpenOrders:
    """Orders that still wait, by patient; those that are done are not looked at again."""

    __slots__ = ("_desk", "_open")

    def __init__(self, desk: Desk) -> None:
        """Those of `desk`."""
        self._desk = desk
        self._open: dict[str, tuple[int, list[OrderLine]]] = {}

    def of(self, chart: Chart) -> list[OrderLine]:
        """Those of a patient, in the order in which they were placed."""
        known, waiting = self._open.get(chart.id, (0, []))
        waiting = [line for line in waiting if line.state not in CLOSED_STATES]
        if len(chart.orders) > known:
            lines = map(self._desk.orders.__getitem__, chart.orders[known:])
            waiting += [line for line in lines if line.state not in CLOSED_STATES]
        self._open[chart.id] = (len(chart.orders), waiting)
        return waiting


def observation(minute: float, why: str, worklist: Iterable[bytes], news: list[dict[str, Any]], last_result: dict[str, Any] | None) -> str:
    """What somebody sees, as canonical JSON `{minute, why, worklist, news, last_result}`; the rows of the work list are JSON already."""
    head, tail = to_json({"minute": round(minute, 2), "why": why}), to_json({"news": news, "last_result": last_result})
    return b"".join((head[:-1], b',"worklist":[', b",".join(worklist), b"],", tail[1:])).decode()


def worklist(hospital: Hospital, staff: Staff) -> list[bytes]:
    """The work list of a member of staff, each row as JSON."""
    return _WORKLISTS[staff.role](hospital, staff)


def _for_doctor(hospital: Hospital, staff: Staff) -> list[bytes]:
    return doctors_list([patient.chart for patient in hospital.listed.values()], hospital.open_orders, staff.agent)


def doctors_list(charts: Iterable[Chart], orders: OpenOrders, agent: str) -> list[bytes]:
    """The work list of a doctor: own patients with their open orders, then those whom nobody has claimed, the most urgent first."""
    rows, waiting = [], []
    for chart in charts:
        if chart.owner == agent:
            rows.append(_with_orders(_patient_row(chart), orders.of(chart)))
        elif not chart.owner and chart.esi is not None and chart.unit in ("", "ed"):
            waiting.append(chart)
    waiting.sort(key=_urgency)
    return rows + [_patient_row(chart) for chart in waiting[:UNCLAIMED_SHOWN]]


def _urgency(chart: Chart) -> tuple[int, float]:
    return (chart.esi or 9, chart.arrived_at)


@lru_cache(maxsize=8192, typed=True)
def _row(names: tuple[str, ...], *values: Any) -> bytes:
    """A row of a work list: as long as its values are the same, it is the same."""
    return to_json(dict(zip(names, values, strict=True)))


def _patient_row(chart: Chart) -> bytes:
    return _row(
        PATIENT, chart.id, chart.age, chart.sex, chart.complaint, chart.esi, chart.place, chart.status, chart.owner, round(chart.arrived_at, 2),
        chart.seen_at is not None, chart.diagnosis, chart.disposition,
    )  # fmt: skip


def _with_orders(row: bytes, lines: list[OrderLine]) -> bytes:
    orders = b",".join([_row(OPEN_ORDER, line.id, line.kind, line.code, line.state) for line in lines])
    return b"".join((row[:-1], b',"orders":[', orders, b"]}"))


def _for_pharmacist(hospital: Hospital, staff: Staff) -> list[bytes]:
    orders = hospital.desk.orders
    return [_order_row(orders[oid]) for oid in hospital.desk.to_verify]


def _order_row(line: OrderLine) -> bytes:
    state = "to_check" if line.to_check else line.state
    return _row(
        TO_VERIFY, line.id, line.patient, line.code, line.amount, line.unit, line.route, line.priority, round(line.placed_at, 2), line.by, state,
        line.override, line.query,
    )  # fmt: skip


def _for_radiologist(hospital: Hospital, staff: Staff) -> list[bytes]:
    desk = hospital.desk
    protocols = map(desk.orders.__getitem__, desk.to_protocol)
    rows = [_row(TO_PROTOCOL, line.id, line.patient, line.code, line.priority, "to_protocol") for line in protocols]
    return rows + [_study_row(study) for study in map(desk.studies.__getitem__, desk.to_read)]


def _study_row(study: StudyLine) -> bytes:
    taken_at = round(study.taken_at, 2)
    return _row(TO_READ, study.id, study.patient, study.code, study.priority, study.indication, taken_at, study.reader)


_WORKLISTS = {"doctor": _for_doctor, "pharmacist": _for_pharmacist, "radiologist": _for_radiologist}
