"""Work lists as staff see them: made from charts and the desk only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from clinsim.hospital.charts import Chart, Desk, OrderLine

if TYPE_CHECKING:
    from clinsim.hospital.hospital import Hospital
    from clinsim.hospital.roster import Staff

UNCLAIMED_SHOWN = 12
"""How many unclaimed patients a work list shows: the first by triage level and arrival."""
CLOSED_STATES = frozenset({"done", "given", "resulted", "reported", "rejected", "cancelled", "refused", "stopped"})


def worklist(hospital: Hospital, staff: Staff) -> list[dict[str, Any]]:
    """The work list of a member of staff."""
    return _WORKLISTS[staff.role](hospital, staff)


def _for_doctor(hospital: Hospital, staff: Staff) -> list[dict[str, Any]]:
    return doctors_list((patient.chart for patient in hospital.listed.values()), hospital.desk, staff.agent)


def doctors_list(charts: Iterable[Chart], desk: Desk, agent: str) -> list[dict[str, Any]]:
    """The work list of a doctor: own patients with their open orders, then those whom nobody has claimed, the most urgent first."""
    mine, waiting = [], []
    for chart in charts:
        if chart.owner == agent:
            mine.append(chart)
        elif not chart.owner and chart.esi is not None and chart.unit in ("", "ed"):
            waiting.append(chart)
    waiting.sort(key=_urgency)
    rows = [_patient_row(chart) for chart in (*mine, *waiting[:UNCLAIMED_SHOWN])]
    for row, chart in zip(rows, mine, strict=False):
        row["orders"] = _open_orders(desk, chart)
    return rows


def _urgency(chart: Chart) -> tuple[int, float]:
    return (chart.esi or 9, chart.arrived_at)


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


def _open_orders(desk: Desk, chart: Chart) -> list[dict[str, Any]]:
    lines = map(desk.orders.__getitem__, chart.orders)
    return [{"order": line.id, "kind": line.kind, "code": line.code, "state": line.state} for line in lines if line.state not in CLOSED_STATES]


def _for_pharmacist(hospital: Hospital, staff: Staff) -> list[dict[str, Any]]:
    lines = [hospital.desk.orders[oid] for oid in hospital.desk.to_verify]
    return [_order_row(line) for line in lines]


def _order_row(line: OrderLine) -> dict[str, Any]:
    return {
        "order": line.id,
        "patient": line.patient,
        "drug": line.code,
        "dose": line.amount,
        "unit": line.unit,
        "route": line.route,
        "priority": line.priority,
        "placed_at": round(line.placed_at, 2),
        "by": line.by,
        "state": "to_check" if line.to_check else line.state,
        "override": line.override,
        "query": line.query,
    }


def _for_radiologist(hospital: Hospital, staff: Staff) -> list[dict[str, Any]]:
    desk = hospital.desk
    protocols = [desk.orders[oid] for oid in desk.to_protocol]
    rows: list[dict[str, Any]] = [
        {"order": o.id, "patient": o.patient, "code": o.code, "priority": o.priority, "state": "to_protocol"} for o in protocols
    ]
    for sid in desk.to_read:
        study = desk.studies[sid]
        row = {"study": sid, "patient": study.patient, "code": study.code, "priority": study.priority}
        rows.append(row | {"indication": study.indication, "taken_at": round(study.taken_at, 2), "reader": study.reader})
    return rows


_WORKLISTS = {"doctor": _for_doctor, "pharmacist": _for_pharmacist, "radiologist": _for_radiologist}
