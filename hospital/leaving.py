"""How a patient leaves the hospital's care: home, unseen, dead. Everyone who leaves is written down once, and settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.hospital.patients import Patient
from clinsim.hospital.settlement import settle

if TYPE_CHECKING:
    from clinsim.hospital.hospital import Hospital


def leave(hospital: Hospital, patient: Patient, how: str) -> None:
    """Take the patient out of the hospital: `how` is home, left_unseen or died."""
    if patient.gone:
        return
    chart = patient.chart
    patient.gone = how
    hospital.note("departed", patient.id, {"how": how, "by": chart.owner, "unit": chart.unit})
    chart.status, chart.place, chart.departed_at = how, how, hospital.now
    del hospital.present[patient.id]
    hospital.listed.pop(patient.id, None)
    for order_id in chart.orders:
        line = hospital.desk.orders[order_id]
        if line.state in ("to_verify", "queried", "placed") or line.to_check:
            withdraw(hospital, order_id)
    if chart.owner:
        hospital.tell(chart.owner, "departed", patient.id, f"{patient.id} {how}", patient=patient.id, urgent=how == "died", quiet=how != "died")
    hospital.rows.forget(patient.id)
    settle(hospital, patient, how)
    check_end(hospital)


def withdraw(hospital: Hospital, order_id: str) -> None:
    """Take an order that nobody will carry out off the work lists."""
    desk = hospital.desk
    for pile in (desk.to_verify, desk.to_protocol):
        if order_id in pile:
            pile.remove(order_id)
    line = desk.orders[order_id]
    line.to_check = False
    if line.state in ("to_verify", "queried", "placed"):
        line.state = "cancelled"
        hospital.note("order_state", order_id, {"state": "cancelled", "by": "hospital"})


def die(hospital: Hospital, patient: Patient) -> None:
    """The course has passed what this person can bear: the patient dies now."""
    patient.course.died(hospital.now)
    hospital.truth("death", patient.id, {"minute": hospital.now})
    if not patient.move.triggered:
        patient.move.succeed("died")
    leave(hospital, patient, "died")


def check_end(hospital: Hospital) -> None:
    """The scenario ends by itself once every patient of the emergency department has gone or lies in a bed."""
    if hospital.scenario.file.ends != "all_departed" or hospital.expected_arrivals:
        return
    if all(patient.origin != "ed" or patient.chart.unit for patient in hospital.present.values()):
        hospital.finished = True
