"""Work lists and observations as staff see them: JSON made from charts and the desk only, each row once as long as nothing in it changes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from operator import attrgetter
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
TO_VERIFY = ("order", "patient", "drug", "dose", "unit", "route", "priority", "placed_at", "by", "state", "override", "query")
TO_PROTOCOL = ("order", "patient", "code", "priority", "state")
TO_READ = ("study", "patient", "code", "priority", "indication", "taken_at", "reader")
"""Fields of the rows of work lists."""


class Rows:
    """Rows of doctors' work lists as they were last made, by patient, and the orders that still wait; those that are done are not looked at again."""

    __slots__ = ("_desk", "_open", "_orders", "_patients")

    def __init__(self, desk: Desk) -> None:
        """Rows on orders of `desk`."""
        self._desk = desk
        self._open: dict[str, tuple[int, list[OrderLine]]] = {}
        self._orders: dict[str, tuple[list[str], bytes]] = {}
        self._patients: dict[str, tuple[tuple[Any, ...], bytes]] = {}

    def open_orders(self, chart: Chart) -> list[OrderLine]:
        """Orders of a patient that still wait, in the order in which they were placed."""
        known, waiting = self._open.get(chart.id, (0, []))
        waiting = [line for line in waiting if line.state not in CLOSED_STATES]
        if len(chart.orders) > known:
            lines = map(self._desk.orders.__getitem__, chart.orders[known:])
            waiting += [line for line in lines if line.state not in CLOSED_STATES]
        self._open[chart.id] = (len(chart.orders), waiting)
        return waiting

    def own(self, chart: Chart) -> bytes:
        """The row of a patient for the doctor who has claimed the patient: with open orders."""
        lines = self.open_orders(chart)
        states = [line.id + line.state for line in lines]
        made = self._orders.get(chart.id)
        if made is None or made[0] != states:
            rows = [to_json({"order": line.id, "kind": line.kind, "code": line.code, "state": line.state}) for line in lines]
            made = self._orders[chart.id] = (states, b"".join((b',"orders":[', b",".join(rows), b"]}")))
        return self.of(chart)[:-1] + made[1]

    def of(self, chart: Chart) -> bytes:
        """The row of a patient."""
        now = _changing(chart)
        made = self._patients.get(chart.id)
        if made is None or made[0] != now:
            made = self._patients[chart.id] = (now, to_json(_patient_row(chart)))
        return made[1]

    def forget(self, patient: str) -> None:
        """Nobody will ask for this patient again."""
        for made in (self._open, self._orders, self._patients):
            made.pop(patient, None)


def observation(minute: float, why: str, worklist: Iterable[bytes], news: list[dict[str, Any]], last_result: dict[str, Any] | None) -> str:
    """What somebody sees, as canonical JSON `{minute, why, worklist, news, last_result}`; the rows of the work list are JSON already."""
    head, tail = to_json({"minute": round(minute, 2), "why": why}), to_json({"news": news, "last_result": last_result})
    return b"".join((head[:-1], b',"worklist":[', b",".join(worklist), b"],", tail[1:])).decode()


def worklist(hospital: Hospital, staff: Staff) -> list[bytes]:
    """The work list of a member of staff, each row as JSON."""
    return _WORKLISTS[staff.role](hospital, staff)


def _for_doctor(hospital: Hospital, staff: Staff) -> list[bytes]:
    return doctors_list([patient.chart for patient in hospital.listed.values()], hospital.rows, staff.agent)


def doctors_list(charts: Iterable[Chart], rows: Rows, agent: str) -> list[bytes]:
    """The work list of a doctor: own patients with their open orders, then those whom nobody has claimed, the most urgent first."""
    mine, waiting = [], []
    for chart in charts:
        owner = chart.owner
        if owner == agent:
            mine.append(rows.own(chart))
        elif not owner and chart.esi is not None and chart.unit in ("", "ed"):
            waiting.append(chart)
    waiting.sort(key=_urgency)
    return mine + [rows.of(chart) for chart in waiting[:UNCLAIMED_SHOWN]]


def _urgency(chart: Chart) -> tuple[int, float]:
    return (chart.esi or 9, chart.arrived_at)


@lru_cache(maxsize=8192, typed=True)
def _row(names: tuple[str, ...], *values: Any) -> bytes:
    """A row of a work list: as long as its values are the same, it is the same."""
    return to_json(dict(zip(names, values, strict=True)))


def _patient_row(chart: Chart) -> dict[str, Any]:
    return {
        "patient": chart.id,
        "age": chart.age,
        "sex": chart.sex,
        "complaint": chart.complaint,
        "esi": chart.esi,
        "place": chart.place,
        "status": chart.status,
        "owner": chart.owner,
        "arrived_at": round(chart.arrived_at, 2),
        "seen": chart.seen_at is not None,
        "diagnosis": chart.diagnosis,
        "disposition": chart.disposition,
    }


_changing = attrgetter("complaint", "esi", "place", "status", "owner", "seen_at", "diagnosis", "disposition")
"""What can change in the row of a patient."""


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
